import type { Database } from '@rostrum/data-access';
import type { PushEvents } from './push-events';
import type { Notification } from '../notifications/notification';
import { NotificationsRepository } from '../notifications/notifications.repository';
import { PushMessagesRepository, type PushMessage } from './push-messages.repository';
import type { PushResult, PushSender } from './push-sender';
import { PushSubscriptionsRepository } from './push-subscriptions.repository';

export interface PushDeliveryParts {
  database: Database;
  sender: Pick<PushSender, 'send'>;
  events: PushEvents;
  onError: (error: unknown) => void;
  /** The first wait after a try that failed; each further one is twice as long. */
  firstRetrySeconds: number;
}

const batch = 20;
/** Longer than sending a batch can take. */
const leaseSeconds = 60;
const mostAttempts = 8;
const longestRetrySeconds = 3_600;
const longestAgeMs = 86_400_000;

/** Sends the pushes that wait, in any number of workers: each is taken by one, and by another if that one dies. */
export class PushDelivery {
  private readonly messages: PushMessagesRepository;
  private readonly subscriptions: PushSubscriptionsRepository;
  private readonly notifications: NotificationsRepository;

  constructor(private readonly parts: PushDeliveryParts) {
    this.messages = new PushMessagesRepository(parts.database);
    this.subscriptions = new PushSubscriptionsRepository(parts.database);
    this.notifications = new NotificationsRepository(parts.database);
  }

  /** Sends all that is due. */
  async round(): Promise<void> {
    let taken: PushMessage[];
    do {
      taken = await this.messages.take(batch, leaseSeconds);
      const found = await this.notifications.byIds(taken.map(({ groupId }) => groupId));
      await Promise.all(taken.map((message) => this.handle(message, found.get(message.groupId))));
    } while (taken.length === batch);
  }

  private async handle(message: PushMessage, notification: Notification | undefined): Promise<void> {
    try {
      // It was read, or taken back, while it waited.
      if (!notification || notification.read || notification.actorCount === 0)
        return await this.finish(message, 'dropped');
      const result = await this.parts.sender.send(message, {
        topic: notification.id.replaceAll('-', ''),
        payload: payloadOf(notification),
      });
      await this.settle(message, result);
    } catch (error) {
      // PostgreSQL is away, most likely: when the lease is over the message is due again.
      this.parts.onError(error);
    }
  }

  private async settle(message: PushMessage, result: PushResult): Promise<void> {
    if (result.outcome === 'gone') {
      await this.subscriptions.removeById(message.subscriptionId);
      return this.parts.events.pushDone('gone');
    }
    if (result.outcome !== 'later' && result.outcome !== 'untried')
      return this.finish(message, result.outcome);
    const tooOld = Date.now() - message.createdAt.getTime() > longestAgeMs;
    if (tooOld || (result.outcome === 'later' && message.attempts >= mostAttempts))
      return this.finish(message, 'refused');
    this.parts.events.pushDone('postponed');
    if (result.outcome === 'untried') return this.messages.takeBack(message.id, result.afterSeconds);
    const seconds = this.parts.firstRetrySeconds * 2 ** (message.attempts - 1);
    await this.messages.postpone(
      message.id,
      Math.min(longestRetrySeconds, Math.max(seconds, result.afterSeconds)),
    );
  }

  private async finish(
    { id, position }: PushMessage,
    outcome: 'sent' | 'dropped' | 'refused',
  ): Promise<void> {
    await this.messages.finish(id, position);
    this.parts.events.pushDone(outcome);
  }
}

/** Enough to say who did what; whoever opens it reads the rest from us. */
function payloadOf({ id, position, kind, actors, actorCount, postId }: Notification): string {
  return JSON.stringify({ id, position, kind, actor: actors[0]?.username ?? null, actorCount, postId });
}
