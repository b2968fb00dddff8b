import type { Database } from '@rostrum/data-access';
import {
  RepeatedWork,
  type BackgroundWork,
  type Kit,
  type RouteBinder,
  type Subscriptions,
} from '@rostrum/service-kit';
import { NotificationEvents } from '../business-events';
import type { LiveEvent } from '../live/live-event';
import type { LivePublisher } from '../live/live-publisher';
import { settingsRoutes } from '../settings/settings.routes';
import { SettingsService } from '../settings/settings.service';
import { announcementOf, Deliveries, type NextStep } from './deliveries';
import { DeliveriesRepository } from './deliveries.repository';
import { forgetPerson } from './forget-person';
import { Notifier, type NotifierParts } from './notifier';
import { NotificationsRepository } from './notifications.repository';
import { notificationsRoutes } from './notifications.routes';
import { NotificationsService } from './notifications.service';
import { subscribeToPeople } from './people-subscriptions';
import { subscribeToPosts } from './posts-subscriptions';
import { Retention } from './retention';

export interface OpenNotifications {
  routes: (binder: RouteBinder) => void;
  /** What somebody has missed whose channel no longer has it, as it was announced. */
  newerThan: (userId: string, moment: Date, limit: number) => Promise<LiveEvent[]>;
}

/** What people ask of their notifications. */
export function openNotifications(
  { database }: { database: Database },
  { cursorSecret }: { cursorSecret: string },
): OpenNotifications {
  const repository = new NotificationsRepository(database);
  const notifications = new NotificationsService(repository, cursorSecret);
  const settings = new SettingsService(database);
  return {
    routes: (binder) => {
      notificationsRoutes(binder, notifications);
      settingsRoutes(binder, settings);
    },
    newerThan: async (userId, moment, limit) => {
      const found = await repository.changedSince(userId, moment, limit);
      return found.map((notification) => announcementOf(notification, notification.eventId));
    },
  };
}

interface WorkParts {
  database: Database;
  live: Pick<LivePublisher, 'toUser'>;
  posts: NotifierParts['posts'];
  next: NextStep;
}

export interface NotificationWork {
  subscriptions: Subscriptions;
  work: BackgroundWork[];
}

const secondMs = 1_000;
const minuteMs = 60_000;

/** What the worker does: it makes notifications of what other services tell, and tells people of them. */
export function openNotificationWork(kit: Kit, { database, live, posts, next }: WorkParts): NotificationWork {
  const { logger, metrics } = kit;
  const deliveries = new Deliveries({
    database,
    live,
    next,
    onError: (error) => logger.warn('Somebody could not be told of a notification yet', { error }),
  });
  const waiting = new DeliveriesRepository(database);
  metrics.gauge('notification_deliveries_waiting', 'Notifications that people are still to be told of', {
    collect: async (gauge) => gauge.set(await waiting.waiting()),
  });
  const telling = new RepeatedWork({
    name: 'notification deliveries',
    everyMs: secondMs,
    round: () => deliveries.round(),
    onError: (error) => logger.warn('Notifications wait to be told of', { error }),
  });
  const notifier = new Notifier({
    posts,
    events: new NotificationEvents(kit),
    onDue: () => void telling.runNow(),
  });
  const retention = new Retention(database);
  return {
    subscriptions: {
      posts: [...subscribeToPosts(notifier), ...subscribeToPeople(notifier)],
      auth: [forgetPerson()],
    },
    work: [
      telling,
      new RepeatedWork({
        name: 'old notifications',
        everyMs: minuteMs,
        round: () => retention.round(),
        onError: (error) => logger.warn('Old notifications could not be removed', { error }),
      }),
    ],
  };
}
