import type { Database } from '@rostrum/data-access';
import type { LiveEvent } from '../live/live-event';
import type { LivePublisher } from '../live/live-publisher';
import { DeliveriesRepository, type Delivery } from './deliveries.repository';
import { toNotificationBody, type Notification } from './notification';
import { NotificationsRepository } from './notifications.repository';

/** What is done for a person after the sockets: undefined where all is done, else when to ask again. */
export interface NextStep {
  after(notification: Notification, deliveryId: string): Promise<Date | undefined>;
}

export interface DeliveriesParts {
  database: Database;
  live: Pick<LivePublisher, 'toUser'>;
  next: NextStep;
  onError: (error: unknown) => void;
}

const batch = 100;
/** Longer than telling of a batch takes. */
const leaseSeconds = 15;

interface Due {
  delivery: Delivery;
  notification: Notification;
}

/**
 * Tells of notifications that are durable already, in any number of workers. What a worker that died has left is told
 * by another when the lease is over, under the same id.
 */
export class Deliveries {
  private readonly deliveries: DeliveriesRepository;
  private readonly notifications: NotificationsRepository;

  constructor(private readonly parts: DeliveriesParts) {
    this.deliveries = new DeliveriesRepository(parts.database);
    this.notifications = new NotificationsRepository(parts.database);
  }

  /** Tells of all that is due. */
  async round(): Promise<void> {
    let taken: Delivery[];
    do {
      taken = await this.deliveries.take(batch, leaseSeconds);
      if (taken.length > 0) await this.tell(taken);
    } while (taken.length === batch);
  }

  private async tell(taken: readonly Delivery[]): Promise<void> {
    const found = await this.notifications.byIds(taken.map(({ groupId }) => groupId));
    const due = taken.flatMap((delivery) => {
      const notification = found.get(delivery.groupId);
      return notification && isWorthTelling(delivery, notification) ? [{ delivery, notification }] : [];
    });
    const done = new Set(taken.map(({ id }) => id));
    for (const each of due) if (!(await this.tellOne(each))) done.delete(each.delivery.id);
    if (done.size > 0) await this.deliveries.finish([...done]);
  }

  /** Resolves to whether nothing is left to do. */
  private async tellOne({ delivery, notification }: Due): Promise<boolean> {
    try {
      if (!delivery.announced && notification.inApp) await this.announce(delivery, notification);
      const until = await this.parts.next.after(notification, delivery.id);
      if (until) await this.deliveries.putOff(delivery.id, until);
      return until === undefined;
    } catch (error) {
      // Redis or PostgreSQL is away: it is due again when its lease is over.
      this.parts.onError(error);
      return false;
    }
  }

  private async announce(
    { id, recipientId, traceparent }: Delivery,
    notification: Notification,
  ): Promise<void> {
    const event = announcementOf(notification, id);
    await this.parts.live.toUser(recipientId, { ...event, ...(traceparent !== null && { traceparent }) });
  }
}

export function announcementOf(notification: Notification, id: string): LiveEvent {
  const data = toNotificationBody(notification);
  return { id, name: 'notification.created', data, time: notification.updatedAt.toISOString() };
}

/** Taken back, read already, or told of by what came after it. */
function isWorthTelling(delivery: Delivery, { actorCount, read, position }: Notification): boolean {
  return actorCount > 0 && !read && position <= delivery.position;
}
