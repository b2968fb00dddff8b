import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { channels } from './channel-names';
import type { LivePublisher } from './live-publisher';

/** What the worker tells the processes that hold sockets, on a channel of their own, with a log like any other. */
export const processNews = z.discriminatedUnion('kind', [
  /** How these people are to each other has changed. */
  z.object({ kind: z.literal('people'), userIds: z.array(z.uuid()) }),
  /** Who may see these people, or what they write, has changed. */
  z.object({ kind: z.literal('owners'), userIds: z.array(z.uuid()) }),
  /** There is nothing to be seen there any more. */
  z.object({ kind: z.literal('gone'), channel: z.string() }),
  /** Who sees what somebody writes has changed. */
  z.object({ kind: z.literal('everybody') }),
]);

export type ProcessNews = z.output<typeof processNews>;

export async function tellProcesses(
  publisher: Pick<LivePublisher, 'toChannel'>,
  news: ProcessNews,
): Promise<void> {
  const event = { id: randomUUID(), name: 'visibility', data: news, time: new Date().toISOString() };
  await publisher.toChannel(channels.control, event);
}
