import { problems } from '@rostrum/errors';
import { createCursorCodec } from '@rostrum/security';
import type { Cache, Transaction } from '@rostrum/data-access';
import { entityTag, type Write } from '@rostrum/service-kit';
import { holdMedia } from '../media/media-picker';
import type { Post } from '../posts/post';
import type { PostPlanner } from '../posts/post-planner';
import { countedBy, type PostsService } from '../posts/posts.service';
import { attempt } from '../posts/refusal';
import type { Person } from '../profiles/profile';
import { ProfilesRepository } from '../profiles/profiles.repository';
import { newDraftOf, requestOf, type Draft, type DraftContent } from './draft';
import { draftsErrors } from './drafts.errors';
import { DraftsRepository } from './drafts.repository';

export interface DraftsDependencies {
  drafts: Pick<DraftsRepository, 'list' | 'find'>;
  planner: Pick<PostPlanner, 'plan'>;
  posts: Pick<PostsService, 'publish'>;
  /** Documents of posts. */
  cache: Pick<Cache, 'change'>;
  cursorSecret: string;
}

const mostDrafts = 100;
const longestWaitMs = 366 * 24 * 3_600_000;

export function draftEtag({ version }: Pick<Draft, 'version'>): string {
  return entityTag(`1.${version}`);
}

export class DraftsService {
  constructor(private readonly dependencies: DraftsDependencies) {}

  create(author: Person, content: DraftContent, write: Write<Draft>): Promise<Draft> {
    const now = new Date();
    return write(async (trx) => {
      assertAhead(content, now);
      await new ProfilesRepository(trx).ensure(author);
      const drafts = new DraftsRepository(trx);
      if ((await drafts.count(author.id, mostDrafts)) >= mostDrafts) throw draftsErrors.tooMany(mostDrafts);
      await holdMedia(trx, author.id, content.media);
      const draft = newDraftOf(author.id, content, now);
      await drafts.insert(draft);
      return draft;
    });
  }

  async list(
    authorId: string,
    { cursor, limit, signal }: { cursor: string | undefined; limit: number; signal: AbortSignal },
  ): Promise<{ drafts: Draft[]; nextCursor: string | null }> {
    const cursors = createCursorCodec<string>(this.dependencies.cursorSecret, `drafts:${authorId}`);
    const before = cursor === undefined ? undefined : cursors.decode(cursor);
    const found = await this.dependencies.drafts.list(authorId, { before, limit: limit + 1 }, { signal });
    const drafts = found.slice(0, limit);
    const last = drafts.at(-1);
    return { drafts, nextCursor: found.length > limit && last ? cursors.encode(last.id) : null };
  }

  async read(authorId: string, id: string, signal: AbortSignal): Promise<Draft> {
    const draft = await this.dependencies.drafts.find(authorId, id, { signal });
    if (!draft) throw draftsErrors.notFound();
    return draft;
  }

  replace(
    authorId: string,
    { id, ifMatch, content }: { id: string; ifMatch: string | undefined; content: DraftContent },
    write: Write<Draft>,
  ): Promise<Draft> {
    return write(async (trx) => {
      assertAhead(content, new Date());
      const drafts = new DraftsRepository(trx);
      const draft = await drafts.lock(authorId, id);
      if (!draft) throw draftsErrors.notFound();
      if (!matches(ifMatch, draft)) throw problems.preconditionFailed();
      await holdMedia(trx, authorId, content.media);
      const replaced = await drafts.replace(id, content);
      if (!replaced) throw draftsErrors.notFound();
      return replaced;
    });
  }

  remove(authorId: string, id: string, write: Write<void>): Promise<void> {
    return write((trx) => new DraftsRepository(trx).remove(authorId, id));
  }

  /** The draft goes in the transaction in which the post comes: it is published once, by whoever is first. */
  async publish(
    author: Person,
    id: string,
    { write, signal }: { write: Write<Post>; signal: () => AbortSignal },
  ): Promise<Post> {
    const { drafts, planner, posts, cache } = this.dependencies;
    const draft = await drafts.find(author.id, id, { signal: signal() });
    const planned = draft && (await attempt(planner.plan(author.id, requestOf(draft), signal)));
    const work = async (trx: Transaction) => {
      if (!draft || !planned) throw draftsErrors.notFound();
      if (planned.refusal) throw planned.refusal;
      if (!(await new DraftsRepository(trx).take(draft))) throw draftsErrors.notFound();
      return posts.publish(trx, author, planned.value);
    };
    const counted = countedBy(planned?.value);
    return counted.length === 0 ? write(work) : cache.change(counted, () => write(work));
  }
}

function matches(ifMatch: string | undefined, draft: Draft): boolean {
  if (ifMatch === undefined) return true;
  const tags = ifMatch.split(',').map((tag) => tag.trim().replace(/^W\//, ''));
  return tags.includes('*') || tags.includes(draftEtag(draft));
}

function assertAhead({ publishAt }: DraftContent, now: Date): void {
  if (publishAt === null) return;
  const waitMs = publishAt.getTime() - now.getTime();
  if (waitMs < 0 || waitMs > longestWaitMs) throw draftsErrors.publishAtOutOfRange();
}
