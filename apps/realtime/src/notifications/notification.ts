import type { Notification as NotificationBody, NotificationKind } from '@rostrum/contracts';

export interface Person {
  id: string;
  username: string;
}

export type Moderation = NonNullable<NotificationBody['moderation']>;

/** Something that was done and that somebody is to hear of. */
export interface Deed {
  kind: NotificationKind;
  recipientId: string;
  /** Nobody for what moderators do. */
  actor: Person | undefined;
  /** The recipient's post that it was done to, or the post that names them. */
  subjectId?: string | undefined;
  /** The post that was made: a reply, a quote, one that names somebody. */
  postId?: string | undefined;
  moderation?: Moderation | undefined;
  at: Date;
}

/** What makes two deeds of one kind, actor and recipient the same. */
export function sameness({ kind, subjectId, postId, at }: Omit<Deed, 'actor'>): string {
  // Hidden, restored and hidden again is three things; a like is one however often it comes.
  if (kind === 'moderation') return `${subjectId ?? ''} ${at.toISOString()}`;
  return postId ?? subjectId ?? '';
}

/** In place of somebody: the column may not be empty. */
export const nobody = '00000000-0000-0000-0000-000000000000';

export interface Notification {
  id: string;
  recipientId: string;
  position: number;
  /** Of the live event that has announced it as it is now. */
  eventId: string;
  kind: NotificationKind;
  actors: Person[];
  actorCount: number;
  postId: string | null;
  newPostId: string | null;
  moderation: Moderation | null;
  inApp: boolean;
  createdAt: Date;
  updatedAt: Date;
  read: boolean;
}

export function toNotificationBody(given: Notification): NotificationBody {
  const { recipientId, inApp, eventId, ...notification } = given;
  const { createdAt, updatedAt } = notification;
  return { ...notification, createdAt: createdAt.toISOString(), updatedAt: updatedAt.toISOString() };
}
