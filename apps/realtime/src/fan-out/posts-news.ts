import {
  postCreated,
  postDeleted,
  postHidden,
  postLiked,
  postReposted,
  postUnliked,
  postUnreposted,
  postUpdated,
} from '@rostrum/contracts';
import type { BusEvent } from '@rostrum/data-access';
import { currentContext } from '@rostrum/observability';
import { onEvent, type Subscription } from '@rostrum/service-kit';
import { channels } from '../live/channel-names';
import type { LiveEvent } from '../live/live-event';
import type { LivePublisher } from '../live/live-publisher';
import { tellProcesses } from '../live/news-for-processes';
import type { FeedFanOut } from './feed-fan-out';
import { FollowsRepository } from './follows.repository';
import type { ReactionCounts } from './reaction-counts';

export interface PostsNewsParts {
  publisher: Pick<LivePublisher, 'toChannel'>;
  feeds: FeedFanOut;
  reactions: ReactionCounts;
}

/**
 * What becomes of posts, for whoever looks at them and for the followers of those who write them. Told before the event
 * counts as handled: after a crash it is told again, under the same id. It says what has happened, not what stands
 * there: that is read over HTTP, where it is decided who may.
 */
export function tellOfPosts(parts: PostsNewsParts): Subscription[] {
  return [...tellOfWriting(parts), ...tellOfEnds(parts), ...tellOfReactions(parts.reactions)];
}

function tellOfWriting({ publisher, feeds }: PostsNewsParts): Subscription[] {
  return [
    onEvent(postCreated, async (post, { trx, event }) => {
      const { postId, authorId, authorUsername, createdAt, visibility = 'public', replyTo } = post;
      const follows = new FollowsRepository(trx);
      const data = { postId, authorId, authorUsername, createdAt, isReply: replyTo !== undefined };
      const news = newsOf(event, 'post.created', data);
      if (visibility === 'mentioned') {
        const some = (post.mentions ?? []).map(({ userId }) => userId);
        await feeds.tellAmong(follows, authorId, { some, event: news });
      } else {
        await feeds.tellFollowers(follows, authorId, news);
      }
      if (replyTo) {
        const told = newsOf(event, 'post.replied', { postId: replyTo.postId, replyId: postId });
        // Not all who see a post see the replies to it.
        await publisher.toChannel(channels.post(replyTo.postId), { ...told, subject: postId });
      }
    }),
    onEvent(postUpdated, async ({ postId, version }, { event }) => {
      await publisher.toChannel(channels.post(postId), newsOf(event, 'post.updated', { postId, version }));
    }),
  ];
}

function tellOfEnds({ publisher }: PostsNewsParts): Subscription[] {
  const end = async (postId: string, event: BusEvent) => {
    const channel = channels.post(postId);
    await publisher.toChannel(channel, newsOf(event, 'post.deleted', { postId }));
    await tellProcesses(publisher, { kind: 'gone', channel });
  };
  return [
    onEvent(postDeleted, ({ postId }, { event }) => end(postId, event)),
    onEvent(postHidden, ({ postId }, { event }) => end(postId, event)),
  ];
}

function tellOfReactions(reactions: ReactionCounts): Subscription[] {
  const note = (postId: string, change: { likes?: number; reposts?: number }) => {
    reactions.note(postId, change);
    return Promise.resolve();
  };
  return [
    onEvent(postLiked, ({ postId }) => note(postId, { likes: 1 })),
    onEvent(postUnliked, ({ postId }) => note(postId, { likes: -1 })),
    onEvent(postReposted, ({ postId }) => note(postId, { reposts: 1 })),
    onEvent(postUnreposted, ({ postId }) => note(postId, { reposts: -1 })),
  ];
}

function newsOf({ id }: BusEvent, name: string, data: unknown): LiveEvent {
  const traceparent = currentContext()?.traceparent();
  return { id, name, data, time: new Date().toISOString(), traceparent };
}
