import { z } from 'zod';
import { timestamp, uuid } from './common';

/** The WebSocket sub-protocol that clients ask for on `/ws`. */
export const webSocketProtocol = 'rostrum.v1';

const messageId = z.string().max(64).optional();

/** `user:me`, `feed:me`, `post:<id>`, `presence:<username>`. */
export const channelName = z
  .string()
  .max(64)
  .regex(
    /^(?:(?:user|feed):me|post:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|presence:[a-z0-9_]{3,30})$/,
    'must be user:me, feed:me, post:<id> or presence:<username>',
  );

/** Counts the events of a channel from 1, without holes, until its log begins anew: then the epoch changes. */
export const channelOffset = z.int().nonnegative();

export const channelEpoch = z.string().min(1).max(64);

export const channelPosition = z.strictObject({
  epoch: channelEpoch,
  offset: channelOffset,
  /** The id of the last event that the client has: of notifications older than the log, less is sent again. */
  last: z.string().max(64).optional(),
});

export type ChannelPosition = z.output<typeof channelPosition>;

/** The most channels that one `resume` may name; more take several. */
export const maxResumedChannels = 100;

/** What a client may send. A message with an `id` is answered by a message with the same `id`. */
export const clientMessage = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('subscribe'),
    id: messageId,
    channel: channelName,
    /**
     * The last event that the client has, or `acked`: the last one that its session has acknowledged. Left out, it is
     * sent what happens from now on.
     */
    since: z.union([channelPosition, z.literal('acked')]).optional(),
  }),
  z.strictObject({ type: z.literal('unsubscribe'), id: messageId, channel: channelName }),
  z.strictObject({
    type: z.literal('resume'),
    id: messageId,
    channels: z
      .array(channelPosition.extend({ channel: channelName }))
      .min(1)
      .max(maxResumedChannels),
  }),
  z.strictObject({ type: z.literal('ack'), id: messageId, channel: channelName, offset: channelOffset }),
  z.strictObject({ type: z.literal('ping'), id: messageId }),
  z.strictObject({ type: z.literal('typing'), id: messageId, channel: channelName }),
  z.strictObject({
    type: z.literal('presence'),
    id: messageId,
    state: z.enum(['online', 'away', 'invisible']),
  }),
  z.strictObject({ type: z.literal('token.refresh'), id: messageId, token: z.string().min(1).max(8192) }),
]);

export type ClientMessage = z.output<typeof clientMessage>;

/** Why a message was not done. The socket stays open. */
export const messageErrors = {
  UNKNOWN_TYPE: 'This server knows no such type of message',
  INVALID_MESSAGE: 'The message is not as its type asks',
  CHANNEL_NOT_FOUND: 'There is no such channel, or none that you may see',
  SUBSCRIPTION_LIMIT: 'The connection has as many subscriptions as it may have',
  NOT_SUBSCRIBED: 'The connection is not subscribed to this channel',
  NOT_SUPPORTED: 'This channel takes no such message',
  TOO_OFTEN: 'This message may be sent less often',
  UNAVAILABLE: 'Something that this needs is away; try again later',
  INTERNAL_ERROR: 'Something is wrong here, and is being looked at',
} as const;

export type MessageErrorCode = keyof typeof messageErrors;

/** Why events are missing: the log no longer has them, it has begun anew, or it could not be read. */
export const gapReasons = ['trimmed', 'new_epoch', 'unavailable'] as const;

export const connectionLimits = z.object({
  messagesPerSecond: z.int().positive(),
  messageBurst: z.int().positive(),
  maxMessageBytes: z.int().positive(),
  maxSubscriptions: z.int().positive(),
});

export type ConnectionLimits = z.output<typeof connectionLimits>;

/** What the server sends. Clients pass over types and fields that they do not know. */
export const serverMessage = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('welcome'),
    connectionId: uuid,
    userId: uuid,
    /** How often something comes at least; a client that hears nothing for three times as long connects again. */
    heartbeatSeconds: z.int().positive(),
    /** When the socket is closed unless a `token.refresh` has come. */
    tokenExpiresAt: timestamp,
    limits: connectionLimits,
  }),
  z.object({ type: z.literal('ok'), id: z.string().optional(), tokenExpiresAt: timestamp.optional() }),
  z.object({
    type: z.literal('subscribed'),
    id: z.string().optional(),
    channel: z.string(),
    epoch: channelEpoch,
    /** The next event has this offset + 1. */
    offset: channelOffset,
    /** Whether everything since the position that the client named has been or is being sent. */
    recovered: z.boolean(),
  }),
  z.object({
    type: z.literal('event'),
    channel: z.string(),
    /** Missing from what passes by and is not kept, such as `typing`. */
    offset: channelOffset.optional(),
    /** The same however often the event is sent: what is known already is dropped by it. */
    id: z.string(),
    name: z.string(),
    data: z.unknown(),
    time: timestamp,
  }),
  z.object({
    type: z.literal('gap'),
    channel: z.string(),
    epoch: channelEpoch,
    /** The first and the last offset that are missing, as far as known; the next event has `to` + 1. */
    from: channelOffset,
    to: channelOffset,
    reason: z.enum(gapReasons),
  }),
  /** Where the channels stand that have been quiet: a client that is behind has lost something and resumes. */
  z.object({ type: z.literal('heartbeat'), channels: z.record(z.string(), channelOffset) }),
  z.object({
    type: z.literal('error'),
    id: z.string().optional(),
    /** A subscription that could not begin, or goes on no longer. */
    channel: z.string().optional(),
    code: z.string(),
    message: z.string(),
  }),
  z.object({ type: z.literal('draining'), reconnectInMs: z.int().nonnegative() }),
  z.object({ type: z.literal('pong'), id: z.string().optional() }),
]);

export type ServerMessage = z.output<typeof serverMessage>;

/**
 * What a client does after a close: connects again and resumes at once (`yes`), after a while that grows with each
 * failure (`later`), or not before something has changed (`no`).
 */
export type Reconnect = 'yes' | 'later' | 'no';

export interface CloseCode {
  code: number;
  /** The reason text of the close frame where this server sends it. */
  name: string;
  reconnect: Reconnect;
  meaning: string;
}

/** Every code with which a socket of this server ends. 44xx: connect again; 45xx: do not. */
export const closeTable = {
  normal: { code: 1000, name: 'normal', reconnect: 'no', meaning: 'The client has closed' },
  goingAway: { code: 1001, name: 'going_away', reconnect: 'no', meaning: 'The client has left the page' },
  protocolError: {
    code: 1002,
    name: 'protocol_error',
    reconnect: 'no',
    meaning: 'A frame that WebSocket forbids: mend the client',
  },
  lost: {
    code: 1006,
    name: 'connection_lost',
    reconnect: 'yes',
    meaning: 'No close frame came: the connection is lost',
  },
  invalidText: {
    code: 1007,
    name: 'invalid_text',
    reconnect: 'no',
    meaning: 'Text that is no UTF-8: mend the client',
  },
  policyViolation: {
    code: 1008,
    name: 'policy_violation',
    reconnect: 'no',
    meaning: 'Too many fragments: mend the client',
  },
  tooBig: {
    code: 1009,
    name: 'too_big',
    reconnect: 'no',
    meaning: 'A message over `maxMessageBytes`: mend the client',
  },
  restarting: {
    code: 1012,
    name: 'restarting',
    reconnect: 'yes',
    meaning: 'The process ends: wait as long as `draining` has said',
  },
  unavailable: {
    code: 1013,
    name: 'unavailable',
    reconnect: 'later',
    meaning: 'Nobody can be let in just now',
  },
  slowReader: {
    code: 4408,
    name: 'slow_reader',
    reconnect: 'yes',
    meaning: 'The client has read too slowly; it may also see 1006',
  },
  rateLimited: {
    code: 4429,
    name: 'rate_limited',
    reconnect: 'later',
    meaning: 'More messages or handshakes than the limit',
  },
  tooManyConnections: {
    code: 4430,
    name: 'too_many_connections',
    reconnect: 'later',
    meaning: 'The person or address has too many',
  },
  invalidMessage: {
    code: 4500,
    name: 'invalid_message',
    reconnect: 'no',
    meaning: 'Binary, no JSON or no type: mend the client',
  },
  tokenExpired: {
    code: 4501,
    name: 'token_expired',
    reconnect: 'no',
    meaning: 'Get a new access token first',
  },
  sessionRevoked: {
    code: 4502,
    name: 'session_revoked',
    reconnect: 'no',
    meaning: 'Signed out: sign in again',
  },
  tokenRefused: {
    code: 4503,
    name: 'token_refused',
    reconnect: 'no',
    meaning: 'No token, a bad one, or one of another session',
  },
} as const satisfies Record<string, CloseCode>;

export type CloseName = keyof typeof closeTable;

export const closeCodes = Object.fromEntries(
  Object.entries(closeTable).map(([name, { code }]) => [name, code]),
) as { readonly [Name in CloseName]: number };
