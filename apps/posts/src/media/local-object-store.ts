import { randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { getMediaObjectRoute, type MediaType } from '@rostrum/contracts';
import { isObjectKey } from './media';
import { mediaErrors } from './media.errors';
import type { DownloadTerms, ObjectStore, SignedUpload, UploadTerms } from './object-store';
import { SignedGrants, type Grant } from './signed-grants';

/** What is being written this long after it was begun is what somebody has died over. */
const staleMs = 3_600_000;

const folders = ['uploads', 'media', 'incoming'];

const isMissing = (error: unknown) => (error as NodeJS.ErrnoException).code === 'ENOENT';

/** Whoever uploads has sent more or less than they said. */
export class WrongLength extends Error {}

/**
 * Keeps objects in a folder, for development and tests. Its URLs are those of a route of this service, and hold in
 * themselves what they are good for.
 */
export class LocalObjectStore implements ObjectStore {
  private readonly grants: SignedGrants;
  private readonly drafts: string;
  private ready: Promise<unknown> | undefined;
  /** As far as this process knows: others may have removed something. */
  private used: number | undefined;

  constructor(
    private readonly folder: string,
    secret: string,
    private readonly mostBytes = Infinity,
  ) {
    this.grants = new SignedGrants(secret);
    this.drafts = path.join(folder, 'incoming');
  }

  uploadUrl(key: string, { type, bytes, seconds }: UploadTerms): Promise<SignedUpload> {
    const url = this.urlOf({ may: 'put', key, type, bytes, until: Date.now() + seconds * 1_000 });
    return Promise.resolve({ url, headers: { 'Content-Type': type, 'Content-Length': String(bytes) } });
  }

  downloadUrl(key: string, { type, fileName, from, seconds }: DownloadTerms): Promise<string> {
    const until = from.getTime() + seconds * 1_000;
    return Promise.resolve(this.urlOf({ may: 'get', key, type, fileName, until }));
  }

  /** What a URL's last part allows; undefined where that is nothing. */
  grantOf(text: string, may: Grant['may']): Grant | undefined {
    return this.grants.open(text, may);
  }

  async read(key: string): Promise<Buffer | undefined> {
    try {
      return await readFile(this.fileOf(key));
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  /** For whoever sends it on; undefined where there is no such object. */
  async openStream(key: string): Promise<{ bytes: number; stream: Readable } | undefined> {
    const file = this.fileOf(key);
    try {
      return { bytes: (await stat(file)).size, stream: createReadStream(file) };
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  async write(key: string, bytes: Buffer, _options?: { type: MediaType }): Promise<void> {
    await this.replace(key, bytes.length, (draft) =>
      writeFile(draft, bytes, { mode: 0o600, flag: 'wx', flush: true }),
    );
  }

  /** Takes exactly so many bytes; nothing of more or less is left. */
  async receive(key: string, bytes: number, from: Readable): Promise<void> {
    await this.replace(key, bytes, async (draft) => {
      let received = 0;
      const counted = async function* (source: AsyncIterable<Buffer>) {
        for await (const chunk of source) {
          received += chunk.length;
          if (received > bytes) throw new WrongLength();
          yield chunk;
        }
      };
      await pipeline(from, counted, createWriteStream(draft, { mode: 0o600, flags: 'wx', flush: true }));
      if (received !== bytes) throw new WrongLength();
    });
  }

  async remove(key: string): Promise<void> {
    await rm(this.fileOf(key), { force: true });
  }

  /** Written aside and renamed, so that nobody ever reads half of it. */
  private async replace(key: string, bytes: number, write: (draft: string) => Promise<void>): Promise<void> {
    const file = this.fileOf(key);
    await (this.ready ??= this.prepare());
    await this.makeRoom(bytes);
    const draft = path.join(this.drafts, randomUUID());
    try {
      await write(draft);
      await rename(draft, file);
    } catch (error) {
      await rm(draft, { force: true });
      throw error;
    }
    await syncFolder(path.dirname(file));
  }

  private async makeRoom(bytes: number): Promise<void> {
    if (this.used === undefined || this.used + bytes > this.mostBytes) this.used = await this.measure();
    if (this.used + bytes > this.mostBytes) throw mediaErrors.storeFull();
    this.used += bytes;
  }

  private async measure(): Promise<number> {
    let bytes = 0;
    for (const name of folders) {
      const folder = path.join(this.folder, name);
      for (const file of await readdir(folder)) {
        const { size } = await stat(path.join(folder, file)).catch(() => ({ size: 0 }));
        bytes += size;
      }
    }
    return bytes;
  }

  private async prepare(): Promise<void> {
    for (const name of folders) await mkdir(path.join(this.folder, name), { recursive: true, mode: 0o700 });
    for (const name of await readdir(this.drafts)) {
      const draft = path.join(this.drafts, name);
      const { mtimeMs } = await stat(draft).catch(() => ({ mtimeMs: Infinity }));
      if (mtimeMs < Date.now() - staleMs) await rm(draft, { force: true });
    }
  }

  private fileOf(key: string): string {
    if (!isObjectKey(key)) throw new Error('No key of ours');
    return path.join(this.folder, key);
  }

  private urlOf(grant: Grant): string {
    return `${getMediaObjectRoute.path}?grant=${this.grants.sign(grant)}`;
  }
}

/** A rename is durable with its folder. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
