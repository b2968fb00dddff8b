import type { Cache, Database } from '@rostrum/data-access';
import { RepeatedWork, type Kit } from '@rostrum/service-kit';
import type { PostPlanner } from '../posts/post-planner';
import { countedBy, type PostsService } from '../posts/posts.service';
import { attempt } from '../posts/refusal';
import type { People } from '../visibility/people';
import { requestOf, type Draft } from './draft';
import { DraftsRepository, DueDraftsRepository, type DueDraft } from './drafts.repository';

export interface PublishingParts {
  database: Database;
  planner: Pick<PostPlanner, 'plan'>;
  posts: Pick<PostsService, 'publish'>;
  cache: Pick<Cache, 'change'>;
  people: Pick<People, 'stateOf'>;
}

type Outcome = 'published' | 'refused' | 'failed';

const everyMs = 1_000;
const atOnce = 100;
/** After something failed that is not the draft's fault. */
const againAfterSeconds = 30;

/**
 * Work for a worker: drafts are published at their time. However many workers there are and whenever they die: the
 * draft goes in the transaction in which the post comes, so that it is published once.
 */
export function publishDueDrafts({ logger, metrics }: Kit, parts: PublishingParts): RepeatedWork {
  const counter = metrics.counter('scheduled_posts_total', 'Posts whose time had come', ['result']);
  for (const result of ['published', 'refused', 'failed']) counter.inc({ result }, 0);
  const due = new DueDraftsRepository(parts.database);
  const publishOne = async (each: DueDraft) => {
    try {
      const outcome = await publish(parts, due, each);
      if (outcome) counter.inc({ result: outcome });
    } catch (error) {
      counter.inc({ result: 'failed' });
      logger.warn('A scheduled post could not be published', { draft_id: each.draft.id, error });
      await due.putOff(each.draft, againAfterSeconds);
    }
  };
  return new RepeatedWork({
    name: 'scheduled posts',
    everyMs,
    firstAfterMs: 0,
    round: async () => {
      let found: DueDraft[];
      do {
        found = await due.list(atOnce);
        for (const each of found) await publishOne(each);
      } while (found.length === atOnce);
    },
    onError: (error) => logger.warn('Scheduled posts could not be looked for', { error }),
  });
}

/** Undefined where somebody else was quicker, or its author has changed it. */
async function publish(
  { database, planner, posts, cache, people }: PublishingParts,
  due: DueDraftsRepository,
  { draft, author }: DueDraft,
): Promise<Outcome | undefined> {
  const { isGone } = await people.stateOf(author.id);
  if (isGone) return refuse(due, draft, 'ACCOUNT_GONE');
  const planned = await attempt(planner.plan(author.id, requestOf(draft)));
  if (planned.refusal) return refuse(due, draft, planned.refusal.code);
  const plan = planned.value;
  const work = () =>
    database.transaction(async (trx) => {
      if (!(await new DraftsRepository(trx).take(draft))) return undefined;
      await posts.publish(trx, author, plan);
      return 'published' as const;
    });
  const published = await attempt(cache.change(countedBy(plan), work));
  return published.refusal ? refuse(due, draft, published.refusal.code) : published.value;
}

async function refuse(due: DueDraftsRepository, draft: Draft, code: string): Promise<Outcome> {
  await due.refuse(draft, code);
  return 'refused';
}
