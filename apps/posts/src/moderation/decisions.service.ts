import { postHidden, postHidingUpheld, postRestored } from '@rostrum/contracts';
import type { Cache, Transaction } from '@rostrum/data-access';
import type { EventPublisher, Write } from '@rostrum/service-kit';
import type { PostRow } from '../posts/post-row';
import { postsErrors } from '../posts/posts.errors';
import { PostsRepository } from '../posts/posts.repository';
import type { Person } from '../profiles/profile';
import { ProfilesRepository } from '../profiles/profiles.repository';
import { CasesRepository } from './cases.repository';
import {
  assertNotOwnDecision,
  decisionRules,
  type DecisionKind,
  type ModerationCase,
} from './moderation-case';
import type { ModerationEvents } from './moderation-events';
import { ModerationLog } from './moderation-log.repository';
import { moderationErrors } from './moderation.errors';

export interface DecisionsDependencies {
  /** Documents of posts. */
  cache: Pick<Cache, 'change'>;
  publisher: Pick<EventPublisher, 'publish'>;
  events: Pick<ModerationEvents, 'decided'>;
}

export interface Decision {
  postId: string;
  kind: DecisionKind;
  reason: string;
}

const claimSeconds = 15 * 60;

/** What moderators do with posts. Whatever happens to one post happens one after the other: its row is locked. */
export class DecisionsService {
  constructor(private readonly dependencies: DecisionsDependencies) {}

  /** Everybody's reads know of it when it resolves. */
  decide(moderator: Person, decision: Decision, write: Write<ModerationCase>): Promise<ModerationCase> {
    const work = (trx: Transaction) => this.decideIn(trx, moderator, decision);
    if (decisionRules[decision.kind].hides === undefined) return write(work);
    return this.dependencies.cache.change(decision.postId, () => write(work));
  }

  claim(moderator: Person, postId: string, write: Write<ModerationCase>): Promise<ModerationCase> {
    return write(async (trx) => {
      const { post, found } = await open(trx, moderator, postId);
      if (found?.state !== 'open' && found?.state !== 'appealed') throw moderationErrors.nothingToDecide();
      const hiddenBy = (await hidingOf(trx, post))?.actorId;
      assertNotOwnDecision({ state: found.state, hiddenBy }, moderator.id);
      const cases = new CasesRepository(trx);
      await cases.claim(postId, moderator.id, claimSeconds);
      await enter(trx, moderator, { kind: 'claimed', post });
      return read(cases, postId);
    });
  }

  /** Whoever does not hold it has nothing to leave. */
  release(moderator: Person, postId: string, write: Write<void>): Promise<void> {
    return write(async (trx) => {
      const post = (await new PostsRepository(trx).lock([postId])).get(postId);
      if (!post) throw postsErrors.notFound();
      const released = await new CasesRepository(trx).release(postId, moderator.id);
      if (released) await enter(trx, moderator, { kind: 'released', post });
    });
  }

  private async decideIn(
    trx: Transaction,
    moderator: Person,
    { postId, kind, reason }: Decision,
  ): Promise<ModerationCase> {
    const { post, found } = await open(trx, moderator, postId);
    const rule = decisionRules[kind];
    const hiding = await hidingOf(trx, post);
    rule.assert({ hidden: post.hidden, state: found?.state, hiddenBy: hiding?.actorId }, moderator.id);
    const at = await enter(trx, moderator, { kind: rule.entry, post, reason, about: hiding?.id });
    const cases = new CasesRepository(trx);
    if (rule.hides !== undefined) await cases.setHidden(postId, rule.hides);
    await cases.move(postId, rule.to);
    await this.tell(trx, post, { kind, reason, at: at.toISOString() });
    trx.onCommit(() => this.dependencies.events.decided(postId, kind, moderator.id));
    return read(cases, postId);
  }

  /** Nobody is told of reports that were dismissed: the author would learn that there were any. */
  private async tell(
    trx: Transaction,
    { id: postId, author_id: authorId }: PostRow,
    { kind, reason, at }: { kind: DecisionKind; reason: string; at: string },
  ): Promise<void> {
    const { publisher } = this.dependencies;
    const about = { postId, authorId, reason };
    const key = authorId;
    if (kind === 'hide')
      await publisher.publish(trx, postHidden, { key, payload: { ...about, hiddenAt: at } });
    if (kind === 'restore')
      await publisher.publish(trx, postRestored, { key, payload: { ...about, restoredAt: at } });
    if (kind === 'uphold')
      await publisher.publish(trx, postHidingUpheld, { key, payload: { ...about, upheldAt: at } });
  }
}

/** The post, locked, and where it stands: something for this moderator to work on. */
async function open(
  trx: Transaction,
  moderator: Person,
  postId: string,
): Promise<{ post: PostRow; found: ModerationCase | undefined }> {
  await new ProfilesRepository(trx).ensure(moderator);
  const post = (await new PostsRepository(trx).lock([postId])).get(postId);
  if (!post) throw postsErrors.notFound();
  if (post.author_id === moderator.id) throw moderationErrors.ownPost();
  if (post.deleted) throw postsErrors.deleted();
  const found = await new CasesRepository(trx).find(postId);
  const holder = found?.claimedBy ?? moderator.id;
  if (holder !== moderator.id) throw moderationErrors.claimed();
  return { post, found };
}

/** The decision by which it is hidden. */
async function hidingOf(trx: Transaction, { id, hidden }: PostRow) {
  return hidden ? new ModerationLog(trx).lastHiding(id) : undefined;
}

interface Deed {
  kind: Parameters<ModerationLog['add']>[0]['kind'];
  post: PostRow;
  reason?: string;
  about?: string | undefined;
}

async function enter(trx: Transaction, { id: actorId }: Person, { post, ...deed }: Deed): Promise<Date> {
  const { id: postId, version } = post;
  return (await new ModerationLog(trx).add({ ...deed, postId, version, actorId })).at;
}

async function read(cases: CasesRepository, postId: string): Promise<ModerationCase> {
  const found = await cases.find(postId);
  if (!found) throw new Error('A case was changed and is not there');
  return found;
}
