import { postsBlocksEvents, postsBlocksRoutes } from './posts-blocks.contract';
import { postsDraftsRoutes } from './posts-drafts.contract';
import { postsExploreRoutes } from './posts-explore.contract';
import { postsFeedRoutes } from './posts-feed.contract';
import { postsFollowsEvents, postsFollowsRoutes } from './posts-follows.contract';
import { postsMediaRoutes } from './posts-media.contract';
import { postsModerationEvents, postsModerationRoutes } from './posts-moderation.contract';
import { postsPeopleRoutes } from './posts-people.contract';
import { postsPostEvents, postsPostRoutes } from './posts-post.contract';
import { postsReactionsEvents, postsReactionsRoutes } from './posts-reactions.contract';
import { postsSearchRoutes } from './posts-search.contract';
import { postsTagsRoutes } from './posts-tags.contract';
import { postsThreadsRoutes } from './posts-threads.contract';
import { postsVisibleEvents } from './posts-visible.contract';

/** All of them, a file for each feature. */
export const postsRoutes = [
  ...postsPostRoutes,
  ...postsThreadsRoutes,
  ...postsDraftsRoutes,
  ...postsReactionsRoutes,
  ...postsTagsRoutes,
  ...postsSearchRoutes,
  ...postsModerationRoutes,
  ...postsMediaRoutes,
  ...postsFeedRoutes,
  ...postsExploreRoutes,
  ...postsPeopleRoutes,
  ...postsFollowsRoutes,
  ...postsBlocksRoutes,
] as const;

export const postsEvents = [
  ...postsPostEvents,
  ...postsReactionsEvents,
  ...postsModerationEvents,
  ...postsFollowsEvents,
  ...postsBlocksEvents,
  ...postsVisibleEvents,
] as const;
