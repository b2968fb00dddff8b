import { randomUUID } from 'node:crypto';
import {
  postCreated,
  postDeleted,
  postHidden,
  postHidingUpheld,
  postLiked,
  postReposted,
  postRestored,
  postUnliked,
  profileVisibilityChanged,
  streams,
  userBlocked,
  userDeleted,
  userFollowed,
  userFollowRequested,
  userFollowRequestWithdrawn,
  userMentioned,
  userMuted,
  userUnblocked,
  userUnfollowed,
  type EventContract,
} from '@rostrum/contracts';
import type { z } from 'zod';
import type { Person, RealtimeApp } from './realtime-app';

type Payload<Event extends EventContract> = z.input<Event['payload']>;

export interface TestPost {
  id: string;
  author: Person;
}

/** Says what other services say when people do things. */
export class Facts {
  constructor(private readonly app: Pick<RealtimeApp, 'bus'>) {}

  post(author: Person): TestPost {
    return { id: randomUUID(), author };
  }

  like({ id: userId, username }: Person, { id: postId, author }: TestPost, eventId?: string): Promise<void> {
    const payload = { postId, authorId: author.id, userId, username, likedAt: now() };
    return this.say(postLiked, author.id, payload, eventId);
  }

  unlike({ id: userId }: Person, { id: postId, author }: TestPost): Promise<void> {
    return this.say(postUnliked, author.id, { postId, authorId: author.id, userId, unlikedAt: now() });
  }

  repost({ id: userId, username }: Person, { id: postId, author }: TestPost): Promise<void> {
    const payload = { postId, authorId: author.id, userId, username, repostedAt: now() };
    return this.say(postReposted, author.id, payload);
  }

  /** Somebody's new post, for whom it is. */
  async write(author: Person, visibility?: 'followers' | 'mentioned'): Promise<TestPost> {
    return this.create(this.post(author), visibility && { visibility });
  }

  /** Somebody's new post that replies to another, or quotes it. */
  async answer(
    by: Person | TestPost,
    how: 'replyTo' | 'quoteOf',
    to: TestPost,
    visibility?: 'followers' | 'mentioned',
  ): Promise<TestPost> {
    const answered = { [how]: { postId: to.id, authorId: to.author.id } };
    const post = 'author' in by ? by : this.post(by);
    return this.create(post, { ...answered, ...(visibility && { visibility }) });
  }

  private async create(post: TestPost, more: object = {}): Promise<TestPost> {
    const { id: authorId, username: authorUsername } = post.author;
    const payload = { postId: post.id, authorId, authorUsername, createdAt: now(), ...more };
    await this.say(postCreated, authorId, payload);
    return post;
  }

  mention(userId: string, { id: postId, author }: TestPost): Promise<void> {
    const payload = { userId, postId, authorId: author.id, authorUsername: author.username };
    return this.say(userMentioned, userId, { ...payload, mentionedAt: now() });
  }

  delete({ id: postId, author }: TestPost): Promise<void> {
    return this.say(postDeleted, author.id, { postId, authorId: author.id, deletedAt: now() });
  }

  hide({ id: postId, author }: TestPost, reason = 'spam'): Promise<void> {
    return this.say(postHidden, author.id, { postId, authorId: author.id, reason, hiddenAt: now() });
  }

  restore({ id: postId, author }: TestPost, reason?: string): Promise<void> {
    const payload = { postId, authorId: author.id, restoredAt: now() };
    return this.say(postRestored, author.id, reason === undefined ? payload : { ...payload, reason });
  }

  uphold({ id: postId, author }: TestPost, reason: string): Promise<void> {
    return this.say(postHidingUpheld, author.id, { postId, authorId: author.id, reason, upheldAt: now() });
  }

  follow({ id: followerId, username: followerUsername }: Person, { id: followeeId }: Person): Promise<void> {
    return this.say(userFollowed, followeeId, {
      followerId,
      followerUsername,
      followeeId,
      followedAt: now(),
    });
  }

  unfollow({ id: followerId }: Person, { id: followeeId }: Person): Promise<void> {
    return this.say(userUnfollowed, followeeId, { followerId, followeeId, unfollowedAt: now() });
  }

  requestFollow({ id: requesterId, username: requesterUsername }: Person, { id: targetId }: Person) {
    const payload = { requesterId, requesterUsername, targetId, requestedAt: now() };
    return this.say(userFollowRequested, targetId, payload);
  }

  withdrawRequest({ id: requesterId }: Person, { id: targetId }: Person): Promise<void> {
    return this.say(userFollowRequestWithdrawn, targetId, { requesterId, targetId, withdrawnAt: now() });
  }

  block({ id: blockerId }: Person, { id: blockedId }: Person): Promise<void> {
    return this.say(userBlocked, blockerId, { blockerId, blockedId, blockedAt: now() });
  }

  unblock({ id: blockerId }: Person, { id: blockedId }: Person): Promise<void> {
    return this.say(userUnblocked, blockerId, { blockerId, blockedId, unblockedAt: now() });
  }

  mute({ id: muterId }: Person, { id: mutedId }: Person): Promise<void> {
    return this.say(userMuted, muterId, { muterId, mutedId, mutedAt: now() });
  }

  /** What posts says once somebody has become private, or has been suspended or deleted. */
  seenOtherwise({ id: userId }: Person, state: { isPrivate?: boolean; isGone?: boolean }): Promise<void> {
    const payload = { userId, isPrivate: false, isGone: false, changedAt: now(), ...state };
    return this.say(profileVisibilityChanged, userId, payload);
  }

  goodbye({ id: userId }: Person): Promise<void> {
    return this.say(userDeleted, userId, { userId, deletedAt: now() }, undefined, streams.auth);
  }

  async say<Event extends EventContract>(
    { type, version }: Event,
    key: string,
    payload: Payload<Event>,
    id: string = randomUUID(),
    stream: string = streams.posts,
  ): Promise<void> {
    await this.app.bus.publish(stream, [
      { id, type, version, key, occurredAt: now(), payload: JSON.stringify(payload) },
    ]);
  }
}

/** Never twice the same: what follows another event says so. */
function now(): string {
  last = Math.max(Date.now(), last + 1);
  return new Date(last).toISOString();
}

let last = 0;
