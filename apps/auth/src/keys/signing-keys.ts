import { createHash } from 'node:crypto';
import {
  createSigningKey,
  localKeySet,
  type Envelope,
  type KeySet,
  type SigningKey,
} from '@rostrum/security';
import { privateKeyPlace } from './key-maker';
import { publishedKeys, signingKeyAt, type KeyTimes } from './key-schedule';
import { keysErrors } from './keys.errors';
import type { SigningKeysRepository, StoredKey } from './signing-keys.repository';

/** However many ids are made up, the database is asked for them once in so long. */
const unknownEveryMs = 1_000;

/** The published keys as they are sent; `version` is another text whenever they are others. */
export interface PublishedKeys {
  body: string;
  version: string;
}

export interface SigningKeysOptions {
  repository: Pick<SigningKeysRepository, 'all'>;
  envelope: Pick<Envelope, 'open'>;
  times: KeyTimes;
}

/** The keys as this process knows them. Once known they are good without the database, and change by their own times. */
export class SigningKeys {
  private all: readonly StoredKey[] = [];
  private opened: ReadonlyMap<string, SigningKey> = new Map();
  private loading: Promise<void> | undefined;
  private loadedAt = -Infinity;
  private revoked = 0;
  private snapshot: (PublishedKeys & { set: KeySet }) | undefined;

  constructor(private readonly options: SigningKeysOptions) {}

  /** Reads the keys anew; who asks while they are being read gets what that brings. */
  load(): Promise<void> {
    this.loading ??= this.read().finally(() => (this.loading = undefined));
    return this.loading;
  }

  private async read(): Promise<void> {
    this.loadedAt = performance.now();
    const all = await this.options.repository.all();
    const opened = await this.openPrivateHalves(all);
    // Both at once: a key that signs is never one that is not open.
    this.all = all;
    this.opened = opened;
    this.revoked = all.filter(({ revokedAt }) => revokedAt !== null).length;
    const { times } = this.options;
    const keys = publishedKeys(all, { now: Date.now(), times }).map(({ publicJwk }) => publicJwk);
    const body = JSON.stringify({ keys });
    if (this.snapshot?.body === body) return;
    const version = createHash('sha256').update(body).digest('base64url').slice(0, 16);
    this.snapshot = { body, version, set: localKeySet({ keys }) };
  }

  /**
   * Tells how many keys are revoked, as it has just been read: where that is news, a promise that they are known. What is
   * signed after it is signed by none of them, whether or not this process has heard of it in another way.
   */
  heed(revoked: number): Promise<void> | undefined {
    return revoked > this.revoked ? this.catchUp(revoked) : undefined;
  }

  /** The first time it may be a read that began before the key was revoked. */
  private async catchUp(revoked: number): Promise<void> {
    await this.load();
    if (revoked > this.revoked) await this.load();
  }

  /** The key that signs now. */
  current(): SigningKey {
    const stored = signingKeyAt(this.all, Date.now());
    const key = stored && this.opened.get(stored.kid);
    if (!key) throw keysErrors.unavailable();
    return key;
  }

  published(): PublishedKeys {
    if (!this.snapshot) throw keysErrors.unavailable();
    return this.snapshot;
  }

  /** Empty while the keys are not known yet. */
  get version(): string {
    return this.snapshot?.version ?? '';
  }

  /** Finds the key that a token names, for this service's own verifier. One that is not known may be new. */
  readonly find: KeySet = async (header, token) => {
    const isKnown = this.all.some(({ kid }) => kid === header.kid);
    if (!isKnown && performance.now() - this.loadedAt >= unknownEveryMs)
      await this.load().catch(() => undefined);
    if (!this.snapshot) throw keysErrors.unavailable();
    return this.snapshot.set(header, token);
  };

  async check(): Promise<void> {
    this.current();
  }

  /** Each private key is opened once, also the one whose turn is next: it must not depend on anything when that comes. */
  private async openPrivateHalves(all: readonly StoredKey[]): Promise<ReadonlyMap<string, SigningKey>> {
    const opened = new Map<string, SigningKey>();
    for (const { kid, sealedPrivateKey } of all) {
      if (sealedPrivateKey === null) continue;
      opened.set(kid, this.opened.get(kid) ?? (await this.open(kid, sealedPrivateKey)));
    }
    return opened;
  }

  private async open(kid: string, sealed: Buffer): Promise<SigningKey> {
    const key = await createSigningKey(
      (await this.options.envelope.open(sealed, privateKeyPlace(kid))).toString(),
    );
    if (key.publicJwk.kid !== kid) throw new Error(`What is stored as the signing key ${kid} is another key`);
    return key;
  }
}
