import {
  postCreated,
  postDeleted,
  postHidden,
  postReposted,
  postRestored,
  postUpdated,
  userBlocked,
  userFollowed,
  userUnfollowed,
} from '@rostrum/contracts';
import type { Database } from '@rostrum/data-access';
import { onEvent, type BackgroundWork, type Kit, type Subscription } from '@rostrum/service-kit';
import { FanOutRounds, type FanOutOptions } from './fan-out';
import { FanOutWork } from './fan-out-work';
import { FanOutsRepository } from './fan-outs.repository';
import type { ChangeLog } from '../visibility/change-log';
import type { Timelines } from './timelines';

interface FanOutParts extends FanOutOptions {
  kit: Kit;
  database: Database;
  timelines: Timelines;
  changes: Pick<ChangeLog, 'add'>;
}

/** The worker's part in feeds: what it does about this service's own events, and the work that comes of it. */
export function openFanOut({ kit, database, timelines, changes, ...options }: FanOutParts): {
  work: BackgroundWork;
  subscriptions: readonly Subscription[];
} {
  const rounds = new FanOutRounds(database, timelines, options);
  const work = new FanOutWork(kit, rounds, new FanOutsRepository(database));
  // Whoever makes such a change sees to that by themselves; this is for one who dies before they come to it.
  const forget = (...userIds: string[]) => timelines.forget(userIds);
  return {
    work,
    subscriptions: [
      onEvent(postCreated, async ({ postId, authorId, createdAt }, { trx }) => {
        await new FanOutsRepository(trx).add({ postId, authorId, at: createdAt });
        trx.onCommit(() => work.wake());
      }),
      onEvent(postReposted, async ({ postId, userId, repostId, repostedAt }, { trx }) => {
        if (repostId === undefined) return;
        await new FanOutsRepository(trx).add({ postId, authorId: userId, repostId, at: repostedAt });
        trx.onCommit(() => work.wake());
      }),
      onEvent(userFollowed, ({ followerId }) => forget(followerId)),
      onEvent(userUnfollowed, ({ followerId }) => forget(followerId)),
      onEvent(userBlocked, ({ blockerId, blockedId }) => forget(blockerId, blockedId)),
      ...[postUpdated, postDeleted, postHidden, postRestored].map((changed) =>
        onEvent<typeof changed>(changed, ({ postId }) => changes.add([postId])),
      ),
    ],
  };
}
