import {
  eventSettings,
  integer,
  migrationSettings,
  portSettings,
  rateLimitSettings,
  secretText,
  setting,
  tokenVerifierSettings,
  type Config,
} from '@rostrum/config';
import { processSettings } from '@rostrum/service-kit';
import { mediaSettings } from './media/media-settings';

const day = 86_400;

export const mainSettings = {
  ...processSettings,
  ...portSettings(8081, 9081),
  ...tokenVerifierSettings,
  ...rateLimitSettings,
  ...mediaSettings,
  cursorSecret: setting(secretText(), {
    env: 'CURSOR_SECRET',
    doc: 'signs the cursors of lists; a new one ends the cursors that clients hold',
    secret: true,
  }),
};

const feedSettings = {
  feedPullFromFollowers: setting(integer(1, 10_000_000).default(10_000), {
    env: 'FEED_PULL_FROM_FOLLOWERS',
    doc: 'posts of those with so many followers are read where they are; those of others are brought to each follower',
  }),
  feedFanOutBatch: setting(integer(1, 10_000).default(1_000), {
    env: 'FEED_FAN_OUT_BATCH',
    doc: 'to so many followers at a time a post is brought',
  }),
};

const purgeSettings = {
  deletedPostsKeptSeconds: setting(integer(0, 3_650 * day).default(30 * day), {
    env: 'DELETED_POSTS_KEPT_SECONDS',
    doc: 'how long a deleted post is kept, unseen, before it is removed for good',
  }),
  purgeBatch: setting(integer(1, 10_000).default(200), {
    env: 'PURGE_BATCH',
    doc: 'so many rows at a time are removed of deleted posts and accounts, and granted of requests',
  }),
};

const exploreSettings = {
  exploreRankEveryMs: setting(integer(100, 3_600_000).default(60_000), {
    env: 'EXPLORE_RANK_EVERY_MS',
    doc: 'so often posts are put in order to be explored, and tags are counted, in milliseconds',
  }),
};

const mediaRemovalSettings = {
  mediaUnusedKeptSeconds: setting(integer(0, 365 * day).default(day), {
    env: 'MEDIA_UNUSED_KEPT_SECONDS',
    doc: 'how long a picture is kept that is in no post, draft or profile',
  }),
  mediaRemoveEveryMs: setting(integer(100, 3_600_000).default(10_000), {
    env: 'MEDIA_REMOVE_EVERY_MS',
    doc: 'so often what is to be removed from the store of pictures is looked for, in milliseconds',
  }),
};

export const workerSettings = {
  ...processSettings,
  ...mediaSettings,
  ...mediaRemovalSettings,
  ...eventSettings,
  ...feedSettings,
  ...exploreSettings,
  ...purgeSettings,
  ...portSettings(8081, 9181),
};

export const migrateSettings = migrationSettings;

export type PostsConfig = Config<typeof mainSettings>;
export type PostsWorkerConfig = Config<typeof workerSettings>;

/** The only reader of the process's environment. */
export const environment = process.env;
