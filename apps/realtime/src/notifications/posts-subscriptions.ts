import {
  postCreated,
  postDeleted,
  postHidden,
  postHidingUpheld,
  postLiked,
  postReposted,
  postRestored,
  postUnliked,
  postUnreposted,
  userMentioned,
} from '@rostrum/contracts';
import { onEvent, type Subscription } from '@rostrum/service-kit';
import type { Moderation } from './notification';
import { NotificationLedger } from './notification-ledger.repository';
import type { Notifier } from './notifier';

/** What people do with posts, and what becomes of these. */
export function subscribeToPosts(notifier: Notifier): Subscription[] {
  return [...subscribeToWriting(notifier), ...subscribeToReactions(notifier), ...subscribeToEnds(notifier)];
}

function subscribeToWriting(notifier: Notifier): Subscription[] {
  const created = onEvent(postCreated, async (post, { trx }) => {
    const { postId, authorId, authorUsername, createdAt, replyTo, quoteOf } = post;
    // Those whom it names are told of that; nobody else may know that there is such a post.
    if (post.visibility === 'mentioned') return;
    const actor = { id: authorId, username: authorUsername };
    const at = new Date(createdAt);
    const answered = [
      ...(replyTo ? [{ kind: 'reply' as const, other: replyTo }] : []),
      ...(quoteOf ? [{ kind: 'quote' as const, other: quoteOf }] : []),
    ];
    for (const { kind, other } of answered) {
      const { authorId: recipientId, postId: subjectId } = other;
      await notifier.tell(trx, { kind, recipientId, actor, subjectId, postId, at });
    }
  });
  const mentioned = onEvent(userMentioned, async (mention, { trx }) => {
    const { userId: recipientId, postId, authorId, authorUsername, mentionedAt } = mention;
    const actor = { id: authorId, username: authorUsername };
    const at = new Date(mentionedAt);
    await notifier.tell(trx, { kind: 'mention', recipientId, actor, subjectId: postId, postId, at });
  });
  return [created, mentioned];
}

function subscribeToReactions(notifier: Notifier): Subscription[] {
  return [
    onEvent(
      postLiked,
      ({ postId: subjectId, authorId: recipientId, userId: id, username, likedAt }, { trx }) =>
        notifier.tell(trx, {
          kind: 'like',
          recipientId,
          actor: { id, username },
          subjectId,
          at: new Date(likedAt),
        }),
    ),
    onEvent(postUnliked, ({ postId: deed, authorId: recipientId, userId: actorId, unlikedAt }, { trx }) =>
      notifier.takeBack(trx, { kind: 'like', recipientId, actorId, deed, at: new Date(unlikedAt) }),
    ),
    onEvent(postReposted, ({ postId: subjectId, authorId: recipientId, ...repost }, { trx }) => {
      const actor = { id: repost.userId, username: repost.username };
      const at = new Date(repost.repostedAt);
      return notifier.tell(trx, { kind: 'repost', recipientId, actor, subjectId, at });
    }),
    onEvent(postUnreposted, ({ postId: deed, authorId: recipientId, userId: actorId, ...end }, { trx }) => {
      const at = new Date(end.unrepostedAt);
      return notifier.takeBack(trx, { kind: 'repost', recipientId, actorId, deed, at });
    }),
  ];
}

function subscribeToEnds(notifier: Notifier): Subscription[] {
  const moderated = (what: { postId: string; authorId: string }, moderation: Moderation, at: string) => ({
    kind: 'moderation' as const,
    recipientId: what.authorId,
    actor: undefined,
    subjectId: what.postId,
    moderation,
    at: new Date(at),
  });
  return [
    onEvent(postDeleted, async ({ postId }, { trx }) => {
      const ledger = new NotificationLedger(trx);
      await ledger.hold(await ledger.recipientsAround(postId));
      await ledger.forgetPost(postId);
    }),
    onEvent(postHidden, async ({ postId, reason, hiddenAt, ...post }, { trx }) => {
      const ledger = new NotificationLedger(trx);
      await ledger.hold([...(await ledger.recipientsAround(postId)), post.authorId]);
      await ledger.withdrawPost(postId);
      await notifier.tell(trx, moderated({ postId, ...post }, { action: 'hidden', reason }, hiddenAt));
    }),
    onEvent(postRestored, async ({ restoredAt, reason = null, ...post }, { trx }) => {
      const ledger = new NotificationLedger(trx);
      await ledger.hold([...(await ledger.recipientsAround(post.postId)), post.authorId]);
      await ledger.restorePost(post.postId);
      await notifier.tell(trx, moderated(post, { action: 'restored', reason }, restoredAt));
    }),
    onEvent(postHidingUpheld, async ({ upheldAt, reason, ...post }, { trx }) => {
      await notifier.tell(trx, moderated(post, { action: 'upheld', reason }, upheldAt));
    }),
  ];
}
