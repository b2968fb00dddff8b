import { randomUUID } from 'node:crypto';
import type { BusEvent, EventBus } from '@rostrum/data-access';
import { waitFor } from '../wait-for';

/** All that a stream holds, as a group reads it that has never read before, in the order of the events' ids. */
export async function publishedEvents(bus: EventBus, stream: string): Promise<BusEvent[]> {
  const group = `test-${randomUUID()}`;
  const total = await bus.lag(stream, group);
  const member = bus.join({ stream, group, member: 'test' });
  const partitions = Array.from({ length: bus.partitions }, (_, partition) => partition);
  for (const partition of partitions) member.take(partition);
  const found: BusEvent[] = [];
  let seen = 0;
  const readSome = async () => {
    const waitMs = total > seen ? 100 : 0;
    const deliveries = await member.fetch({ partitions, max: 10_000, waitMs });
    seen += deliveries.length;
    found.push(...deliveries.flatMap(({ event }) => event ?? []));
    for (const partition of partitions) {
      await member.acknowledge(deliveries.filter((each) => each.partition === partition));
    }
    return seen >= total;
  };
  try {
    await waitFor(readSome, { what: `${total} events of ${stream}` });
  } finally {
    await member.close();
  }
  return found.sort((a, b) => (a.id < b.id ? -1 : 1));
}
