import type { AppealState, AuthorDecision, PostAppeal } from '@rostrum/contracts';
import type { Write } from '@rostrum/service-kit';
import { postsErrors } from '../posts/posts.errors';
import { PostsRepository } from '../posts/posts.repository';
import type { PostReader, ShownPost } from '../visibility/post-reader';
import { AppealsRepository } from './appeals.repository';
import { CasesRepository } from './cases.repository';
import type { ModerationEvents } from './moderation-events';
import { ModerationLog, type Entry, type EntryKind } from './moderation-log.repository';
import { moderationErrors } from './moderation.errors';

export interface AppealsDependencies {
  log: Pick<ModerationLog, 'of'>;
  reader: Pick<PostReader, 'show'>;
  events: Pick<ModerationEvents, 'appealed'>;
}

/** That reports were dismissed is nothing that an author hears of, nor who works on a post. */
const told: readonly EntryKind[] = ['hidden', 'restored', 'upheld'];
const mostTold = 100;

/** What authors see of moderation, and what they can do about it. */
export class AppealsService {
  constructor(private readonly dependencies: AppealsDependencies) {}

  async read(
    authorId: string,
    postId: string,
    signal: AbortSignal,
  ): Promise<{ post: ShownPost; decisions: AuthorDecision[] }> {
    const { log, reader } = this.dependencies;
    const how = { place: 'moderation', signal: () => signal } as const;
    const [post] = await reader.show(authorId, [postId], how);
    if (post?.facts.authorId !== authorId) throw postsErrors.notFound();
    if (post.isTombstone) throw postsErrors.deleted();
    const entries = await log.of(postId, { kinds: told, limit: mostTold }, { signal });
    return { post, decisions: entries.map(toDecision) };
  }

  /** Once for each time that a post is hidden. */
  appeal(
    authorId: string,
    { postId, text }: { postId: string; text: string },
    write: Write<PostAppeal>,
  ): Promise<PostAppeal> {
    return write(async (trx) => {
      const post = (await new PostsRepository(trx).lock([postId])).get(postId);
      if (post?.author_id !== authorId) throw postsErrors.notFound();
      if (post.deleted) throw postsErrors.deleted();
      const hiding = post.hidden ? await new ModerationLog(trx).lastHiding(postId) : undefined;
      if (!hiding) throw moderationErrors.notHidden();
      const at = await new AppealsRepository(trx).add({ decisionId: hiding.id, postId, text });
      if (!at) throw moderationErrors.alreadyAppealed();
      await new CasesRepository(trx).move(postId, 'appealed');
      trx.onCommit(() => this.dependencies.events.appealed(postId));
      return { text, state: 'waiting', createdAt: at.toISOString() };
    });
  }
}

const states = { restored: 'granted', upheld: 'upheld' } as const;

export function appealOf({ appealText, appealedAt, outcome }: Entry): PostAppeal | null {
  if (appealText === null || appealedAt === null) return null;
  const state: AppealState = outcome === null ? 'waiting' : states[outcome];
  return { text: appealText, state, createdAt: appealedAt.toISOString() };
}

function toDecision(entry: Entry): AuthorDecision {
  return {
    id: entry.id,
    // No others are read.
    kind: entry.kind as AuthorDecision['kind'],
    reason: entry.reason ?? '',
    decidedAt: entry.at.toISOString(),
    appeal: appealOf(entry),
  };
}
