import { timestamp, uuid } from '@rostrum/contracts';
import { z } from 'zod';

/** What travels over Redis from whoever causes an event to the processes that hold the user's sockets. */
export const userEvent = z.object({
  id: uuid,
  name: z.string(),
  data: z.unknown(),
  time: timestamp,
  traceparent: z.string().optional(),
});

export type UserEvent = z.output<typeof userEvent>;

const prefix = 'realtime:user:';

export function userChannel(userId: string): string {
  return prefix + userId;
}

export function userOfChannel(channel: string): string {
  return channel.slice(prefix.length);
}
