import { z } from 'zod';
import { pageOf, pageQuery, timestamp, username, uuid } from './common';
import { defineEvent } from './define-event';
import { defineRoute } from './define-route';

const tags = ['realtime'] as const;

export const notificationKinds = [
  'follow',
  'follow_request',
  'like',
  'reply',
  'mention',
  'repost',
  'quote',
  'moderation',
] as const;

export const notificationKind = z.enum(notificationKinds);

export type NotificationKind = z.output<typeof notificationKind>;

/** Counts what happens in one person's notifications: a later change has a higher number. */
const position = z.int().nonnegative();

export const notification = z
  .object({
    id: uuid,
    position: position.meta({
      description: 'Grows when somebody joins in: what has the same id is replaced',
    }),
    kind: notificationKind,
    actors: z
      .array(z.object({ id: uuid, username }))
      .meta({ description: 'Who did it, newest first, at most 5; nobody for what moderators do' }),
    actorCount: z.int().nonnegative(),
    postId: uuid
      .nullable()
      .meta({ description: 'Your post that it is about; for a mention the one that names you' }),
    newPostId: uuid.nullable().meta({ description: 'The newest reply or quote' }),
    moderation: z
      .object({ action: z.enum(['hidden', 'restored', 'upheld']), reason: z.string().nullable() })
      .nullable(),
    createdAt: timestamp,
    updatedAt: timestamp,
    read: z.boolean(),
  })
  .meta({ id: 'Notification' });

export type Notification = z.output<typeof notification>;

export const notificationsRoute = defineRoute({
  method: 'get',
  path: '/api/v1/realtime/notifications',
  operationId: 'listNotifications',
  summary: 'Read your notifications, newest first',
  description:
    'What several people do to one post within a day is one notification, until you have read it. `unread` stops counting at 1000.',
  tags,
  auth: 'user',
  query: pageQuery,
  responses: {
    200: {
      description: 'A page of notifications',
      schema: pageOf(notification).extend({ unread: z.int().nonnegative() }).meta({ id: 'NotificationPage' }),
      headers: { Link: 'The next page, as rel="next"' },
    },
  },
  problems: { 400: ['INVALID_CURSOR'] },
});

export const markReadRoute = defineRoute({
  method: 'post',
  path: '/api/v1/realtime/notifications/read',
  operationId: 'markNotificationsRead',
  summary: 'Mark notifications as read',
  description:
    'Those with these ids, or all, up to a position: what has changed since you have seen that position stays unread. Without `upTo` the named ones are read as they are now.',
  tags,
  auth: 'user',
  body: z
    .strictObject({ ids: z.array(uuid).min(1).max(100).optional(), upTo: position.optional() })
    .refine(({ ids, upTo }) => ids !== undefined || upTo !== undefined, 'must have ids, upTo or both'),
  bodyLimit: '16kb',
  responses: { 204: { description: 'They are read' } },
});

/** The ways by which somebody is told. */
export const notificationWays = z.object({ inApp: z.boolean(), push: z.boolean(), mail: z.boolean() });

export type NotificationWays = z.output<typeof notificationWays>;

const minuteOfDay = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'must be a time such as 22:30');

export const timeZone = z
  .string()
  .max(64)
  .refine(isTimeZone, 'must be a time zone such as Europe/Berlin')
  .meta({ example: 'Europe/Berlin' });

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

const quietHours = z
  .strictObject({ from: minuteOfDay, to: minuteOfDay })
  .refine(({ from, to }) => from !== to, 'must not begin when they end')
  .nullable()
  .meta({
    description: 'No push is sent between these times of day; it comes after them if it is still unread',
  });

const digestHour = z.int().min(0).max(23).meta({ description: 'The hour of day of the mail that sums up' });

export const notificationSettings = z
  .object({
    kinds: z.record(notificationKind, notificationWays),
    quietHours,
    timeZone,
    digestHour,
  })
  .meta({ id: 'NotificationSettings' });

export type NotificationSettings = z.output<typeof notificationSettings>;

export const getNotificationSettingsRoute = defineRoute({
  method: 'get',
  path: '/api/v1/realtime/notifications/settings',
  operationId: 'getNotificationSettings',
  summary: 'Read what you are told about, and how',
  tags,
  auth: 'user',
  responses: { 200: { description: 'The settings', schema: notificationSettings } },
});

export const changeNotificationSettingsRoute = defineRoute({
  method: 'patch',
  path: '/api/v1/realtime/notifications/settings',
  operationId: 'changeNotificationSettings',
  summary: 'Change what you are told about, and how',
  description: 'What is left out stays as it is.',
  tags,
  auth: 'user',
  body: z.strictObject({
    kinds: z
      .partialRecord(
        notificationKind,
        z.strictObject({
          inApp: z.boolean().optional(),
          push: z.boolean().optional(),
          mail: z.boolean().optional(),
        }),
      )
      .optional(),
    quietHours: quietHours.optional(),
    timeZone: timeZone.optional(),
    digestHour: digestHour.optional(),
  }),
  bodyLimit: '4kb',
  responses: { 200: { description: 'The settings as they are now', schema: notificationSettings } },
});

const pushEndpoint = z.url({ protocol: /^https?$/ }).max(2048);

export const pushKeyRoute = defineRoute({
  method: 'get',
  path: '/api/v1/realtime/push/key',
  operationId: 'getPushKey',
  summary: 'The key that browsers subscribe to pushes with',
  tags,
  auth: 'user',
  responses: {
    200: { description: 'The `applicationServerKey`', schema: z.object({ publicKey: z.string() }) },
  },
});

export const subscribePushRoute = defineRoute({
  method: 'post',
  path: '/api/v1/realtime/push/subscriptions',
  operationId: 'subscribePush',
  summary: 'Have pushes sent to this browser',
  description:
    'What `PushSubscription.toJSON()` gives. It ends with the session that made it. A person has 20 at most: the oldest makes room.',
  tags,
  auth: 'user',
  body: z.strictObject({
    endpoint: pushEndpoint,
    expirationTime: z.number().nullable().optional(),
    keys: z.strictObject({ p256dh: z.base64url().length(87), auth: z.base64url().length(22) }),
  }),
  bodyLimit: '4kb',
  responses: { 201: { description: 'Its id', schema: z.object({ id: uuid }) } },
  problems: { 400: ['PUSH_ENDPOINT_REFUSED', 'PUSH_KEY_INVALID'] },
});

export const unsubscribePushRoute = defineRoute({
  method: 'delete',
  path: '/api/v1/realtime/push/subscriptions',
  operationId: 'unsubscribePush',
  summary: 'Have no more pushes sent to this browser',
  tags,
  auth: 'user',
  body: z.strictObject({ endpoint: pushEndpoint }),
  bodyLimit: '4kb',
  responses: { 204: { description: 'There is no such subscription of yours any more' } },
});

export const realtimeNotificationRoutes = [
  notificationsRoute,
  markReadRoute,
  getNotificationSettingsRoute,
  changeNotificationSettingsRoute,
  pushKeyRoute,
  subscribePushRoute,
  unsubscribePushRoute,
] as const;

/**
 * Asks auth, who alone knows addresses, to write to somebody. It says how much there is of each kind, and nothing of
 * what it is.
 */
export const mailRequested = defineEvent(
  'mail.requested',
  1,
  z.object({
    userId: uuid,
    mail: z.literal('notification-digest'),
    unread: z.partialRecord(notificationKind, z.int().positive()),
    requestedAt: timestamp,
  }),
);

export const realtimeEvents = [mailRequested] as const;
