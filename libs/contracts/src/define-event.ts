import { z } from 'zod';

/** The kinds of streams: one per service that publishes. */
export const streams = {
  auth: 'events:auth',
  posts: 'events:posts',
  realtime: 'events:realtime',
} as const;

export interface EventContract<Type extends string = string, Payload extends z.ZodType = z.ZodType> {
  type: Type;
  version: number;
  payload: Payload;
}

/** An event type: a fact that has happened, in the past tense. A change that breaks readers is a new version. */
export function defineEvent<const Type extends string, Payload extends z.ZodType>(
  type: Type,
  version: number,
  payload: Payload,
): EventContract<Type, Payload> {
  return { type, version, payload };
}

/** What travels around the payload of every event. */
export const eventEnvelope = z.object({
  id: z.uuid(),
  type: z.string(),
  version: z.int().positive(),
  /** Events of one key are handled in their order. */
  key: z.string(),
  occurredAt: z.iso.datetime(),
  traceparent: z.string().optional(),
  payload: z.unknown(),
});

export type EventEnvelope = z.output<typeof eventEnvelope>;
