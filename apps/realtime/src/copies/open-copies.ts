import type { Database } from '@rostrum/data-access';
import { RepeatedWork, type BackgroundWork, type Kit } from '@rostrum/service-kit';
import { FollowsRepository } from '../fan-out/follows.repository';
import type { PostsClient } from '../live/posts.client';
import { avoid } from '../notifications/avoid';
import { OneTimeCopy, type OneTimeCopyParts } from './one-time-copy';

export interface CopiesParts {
  database: Database;
  posts: Pick<PostsClient, 'follows' | 'avoidances'>;
}

const everyMs = 10_000;
const kinds = ['block', 'mute'] as const;

/** What posts had before this service listened to it. */
export function openCopies(
  { logger }: Pick<Kit, 'logger'>,
  { database, posts }: CopiesParts,
): BackgroundWork[] {
  function copying<Item>(parts: Pick<OneTimeCopyParts<Item>, 'name' | 'page' | 'put'>): BackgroundWork {
    const { name } = parts;
    const onDone = () => logger.info(`What there was before has been copied: ${name}`);
    const copy = new OneTimeCopy({ ...parts, database, onDone });
    return new RepeatedWork({
      name: `copy of ${name}`,
      everyMs,
      firstAfterMs: 0,
      round: () => copy.round(),
      onError: (error) => logger.warn(`What there was before cannot be copied yet: ${name}`, { error }),
    });
  }
  return [
    copying({
      name: 'follows',
      page: (after) => posts.follows(after),
      put: (trx, items) => new FollowsRepository(trx).putOlder(items),
    }),
    ...kinds.map((kind) =>
      copying({
        name: `${kind}s`,
        page: (after) => posts.avoidances(kind, after),
        put: (trx, items) =>
          avoid(
            trx,
            items.map(({ since, ...pair }) => ({ ...pair, kind, active: true, at: new Date(since) })),
          ),
      }),
    ),
  ];
}
