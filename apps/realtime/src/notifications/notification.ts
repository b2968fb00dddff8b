import type { Notification as NotificationBody } from '@rostrum/contracts';
import { v7 as uuidv7 } from 'uuid';

export interface Person {
  id: string;
  username: string;
}

export interface Notification {
  id: string;
  kind: NotificationBody['kind'];
  actor: Person;
  createdAt: Date;
  read: boolean;
}

/** Ids are made now, whenever it was that the thing happened: what a person is told last stands first in their list. */
export function newNotification(fact: Pick<Notification, 'kind' | 'actor' | 'createdAt'>): Notification {
  return { id: uuidv7(), ...fact, read: false };
}

export function toNotificationBody({ id, kind, actor, createdAt, read }: Notification): NotificationBody {
  return { id, kind, actor, createdAt: createdAt.toISOString(), read };
}
