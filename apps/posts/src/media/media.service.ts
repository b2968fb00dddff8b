import type { MediaUpload, NewMedia } from '@rostrum/contracts';
import type { Queryable, Transaction } from '@rostrum/data-access';
import type { Policy } from '@rostrum/resilience';
import type { Write } from '@rostrum/service-kit';
import { v7 as uuidv7 } from 'uuid';
import type { BusinessEvents } from '../business-events';
import { attempt } from '../posts/refusal';
import type { Person } from '../profiles/profile';
import { ProfilesRepository } from '../profiles/profiles.repository';
import type { cleanImage } from './clean-image';
import { pictureKey, uploadKey, type Media, type PendingMedia } from './media';
import { mediaErrors } from './media.errors';
import { MediaRepository } from './media.repository';
import type { ObjectStore } from './object-store';

export interface MediaDependencies {
  database: Queryable;
  store: ObjectStore;
  /** At most so many pictures at once: each is in memory as a whole. */
  atOnce: Pick<Policy, 'execute'>;
  clean: typeof cleanImage;
  events: Pick<BusinessEvents, 'mediaCompleted' | 'mediaRefused'>;
}

interface WriteOptions<T> {
  write: Write<T>;
  signal: AbortSignal;
}

interface Size {
  bytes: number;
  width: number;
  height: number;
}

const uploadSeconds = 15 * 60;
const mostLoose = 100;

/** How pictures come to us. */
export class MediaService {
  constructor(private readonly dependencies: MediaDependencies) {}

  async create(
    owner: Person,
    { type, bytes, alt = '' }: NewMedia,
    write: Write<MediaUpload>,
  ): Promise<MediaUpload> {
    const id = uuidv7();
    const expiresAt = new Date(Date.now() + uploadSeconds * 1_000).toISOString();
    const terms = { type, bytes, seconds: uploadSeconds };
    const signed = await this.dependencies.store.uploadUrl(uploadKey(id), terms);
    return write(async (trx) => {
      await new ProfilesRepository(trx).ensure(owner);
      const media = new MediaRepository(trx);
      if ((await media.countLoose(owner.id, mostLoose)) >= mostLoose) throw mediaErrors.tooMany(mostLoose);
      await media.insert({ id, ownerId: owner.id, type, bytes, alt });
      return { id, upload: { method: 'PUT' as const, ...signed, expiresAt } };
    });
  }

  /** What is completed already is answered the same. */
  async complete(ownerId: string, id: string, { write, signal }: WriteOptions<Media>): Promise<Media> {
    const prepared = await attempt(this.prepare(ownerId, id, signal));
    const finished = write(async (trx) => {
      if (prepared.refusal) throw prepared.refusal;
      const { value } = prepared;
      return 'ownerId' in value ? value : this.finish(trx, id, value);
    });
    const isOurs = prepared.value !== undefined && !('ownerId' in prepared.value);
    return isOurs ? finished.catch((error) => this.giveUp(id, error)) : finished;
  }

  /** Whoever has asked can ask again at once. */
  private async giveUp(id: string, error: unknown): Promise<never> {
    await new MediaRepository(this.dependencies.database).giveUp(id);
    throw error;
  }

  private async finish(trx: Transaction, id: string, size: Size): Promise<Media> {
    const finished = await new MediaRepository(trx).finish(id, size);
    // Its owner has gone meanwhile; what has been written is noted to be removed.
    if (!finished) throw mediaErrors.notFound();
    trx.onCommit(() => this.dependencies.events.mediaCompleted(finished));
    return finished;
  }

  /** The picture that is there already; or the size of the one that has been made and written by now. */
  private async prepare(ownerId: string, id: string, signal: AbortSignal): Promise<Media | Size> {
    const media = new MediaRepository(this.dependencies.database);
    const pending = await media.begin(ownerId, id);
    if (!pending) {
      const [known] = await media.list([id]);
      if (known?.ownerId === ownerId) return known;
      throw (await media.isOwn(ownerId, id)) ? mediaErrors.inProgress() : mediaErrors.notFound();
    }
    try {
      return await this.dependencies.atOnce.execute(() => this.make(pending, signal), {
        signal,
        retry: false,
      });
    } catch (error) {
      return this.giveUp(id, error);
    }
  }

  private async make({ id, type, bytes }: PendingMedia, signal: AbortSignal): Promise<Size> {
    const { store, clean, events } = this.dependencies;
    const uploaded = await store.read(uploadKey(id), signal);
    if (uploaded?.length !== bytes) throw mediaErrors.notUploaded();
    const cleaned = await attempt(clean(uploaded, type));
    if (cleaned.refusal) {
      events.mediaRefused(id, cleaned.refusal.code);
      throw cleaned.refusal;
    }
    const { width, height, ...picture } = cleaned.value;
    signal.throwIfAborted();
    await store.write(pictureKey(id), picture.bytes, { type, signal });
    return { bytes: picture.bytes.length, width, height };
  }
}
