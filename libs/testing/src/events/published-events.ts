import { randomUUID } from 'node:crypto';
import type { BusEvent, EventBus } from '@rostrum/data-access';

/** All that a stream holds, as a group reads it that has never read before, in the order of the events' ids. */
export async function publishedEvents(bus: EventBus, stream: string): Promise<BusEvent[]> {
  const member = bus.join({ stream, group: `test-${randomUUID()}`, member: 'test' });
  const partitions = Array.from({ length: bus.partitions }, (_, partition) => partition);
  for (const partition of partitions) member.take(partition);
  const found: BusEvent[] = [];
  try {
    for (;;) {
      const deliveries = await member.fetch({ partitions, max: 10_000, waitMs: 0 });
      if (deliveries.length === 0) break;
      found.push(...deliveries.flatMap(({ event }) => event ?? []));
      for (const partition of partitions) {
        await member.acknowledge(deliveries.filter((each) => each.partition === partition));
      }
    }
  } finally {
    await member.close();
  }
  return found.sort((a, b) => (a.id < b.id ? -1 : 1));
}
