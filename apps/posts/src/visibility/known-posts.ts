import type { TailReader } from '@rostrum/data-access';
import type { PostDocument } from '../posts/post-document';
import type { ChangeLog, LogPosition } from './change-log';
import type { PersonState } from './decide';
import { KeptMap, type Kept } from './kept-map';
import type { Relations } from './viewer-relations';

/** When it was that something was asked for, by the log of changes. */
export interface Moment {
  position: LogPosition;
  gaps: number;
}

/** A change whose process dies before it is acknowledged may not be in the log: for so long it may go unnoticed. */
const longestMs = 5_000;
const room = {
  posts: { entries: 20_000, weight: 16 * 1024 * 1024 },
  people: { entries: 50_000, weight: Infinity },
};

/**
 * What this process keeps of the caches: posts as they are sent, the states of their authors, and how viewers are to
 * others. Each is as it stood in Redis, and is forgotten as soon as the log of changes says that it has changed. So
 * nothing may be made of it before the log has been caught up after the request came (`Sight`): that costs all requests
 * of a turn one small question together, in the packet that their limits are asked for in, where each value would have
 * to be sent, parsed and unpacked for each request.
 */
export class KnownPosts {
  private readonly posts = new KeptMap<PostDocument>(room.posts);
  private readonly people = new KeptMap<PersonState>(room.people);
  private readonly viewers = new KeptMap<Relations>(room.people);
  private gaps = 0;
  private turnedAt = performance.now();

  constructor(private readonly log: ChangeLog) {
    log.listen({
      onChanged: (subject) => {
        this.posts.forget(subject);
        this.people.forget(subject);
        this.viewers.forget(subject);
      },
      onGap: () => {
        this.gaps += 1;
        this.each((kept) => kept.clear());
      },
    });
  }

  post(id: string): Kept<PostDocument> | undefined {
    return this.posts.get(id);
  }

  person(id: string): Kept<PersonState> | undefined {
    return this.people.get(id);
  }

  viewer(id: string): Kept<Relations> | undefined {
    return this.viewers.get(id);
  }

  /** Tells when all changes are known that were acknowledged before this call: what is current then may be shown. */
  ask(reader: TailReader): void {
    this.log.ask(reader);
  }

  /** To be called before something is asked of Redis that is to be kept. */
  now(): Moment | undefined {
    const now = performance.now();
    if (now - this.turnedAt > longestMs) {
      this.turnedAt = now;
      this.each((kept) => kept.turn());
    }
    const { position } = this.log;
    return position === undefined ? undefined : { position, gaps: this.gaps };
  }

  keepPost(id: string, document: PostDocument, asked: Moment | undefined): void {
    if (this.mayKeep(id, asked)) this.posts.set(id, document, document.body.length);
  }

  keepPerson(id: string, state: PersonState, asked: Moment | undefined): void {
    if (this.mayKeep(id, asked)) this.people.set(id, state);
  }

  keepViewer(id: string, relations: Relations, asked: Moment | undefined): void {
    if (this.mayKeep(id, asked)) this.viewers.set(id, relations);
  }

  /** What has changed since it was asked for may have been read before that. */
  private mayKeep(subject: string, asked: Moment | undefined): boolean {
    return asked?.gaps === this.gaps && !this.log.hasChanged(asked.position, subject);
  }

  private each(action: (kept: Pick<KeptMap<unknown>, 'clear' | 'turn'>) => void): void {
    for (const kept of [this.posts, this.people, this.viewers]) action(kept);
  }
}
