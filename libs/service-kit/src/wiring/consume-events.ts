import { hostname } from 'node:os';
import { streams, type ServiceName } from '@rostrum/contracts';
import {
  startConsumer,
  type BusEvent,
  type Consumer,
  type ConsumerHooks,
  type EventBus,
} from '@rostrum/data-access';
import { runWithContext, type RequestContext } from '@rostrum/observability';
import type { Kit } from '../lifecycle/kit';
import type { BackgroundWork } from '../lifecycle/service';
import type { EventStores } from './relay-events';
import { toHandlers, type Subscription } from './subscriptions';

/** What is done about the events of each service. */
export type Subscriptions = Partial<Record<ServiceName, readonly Subscription[]>>;

/** Work for a worker: handles the events of other services' streams, each once in effect. */
export function consumeEvents(
  kit: Kit,
  { database, events }: EventStores,
  subscriptions: Subscriptions,
): BackgroundWork {
  const sources = Object.entries(subscriptions) as [ServiceName, readonly Subscription[]][];
  const consumers = new Map<string, Consumer>();
  const allStreams = sources.map(([from]) => streams[from]);
  const hooksOf = createHooks(kit, events.kind, allStreams);
  gaugesOf(kit, { bus: events.bus, allStreams });
  const start = ([from, wanted]: [ServiceName, readonly Subscription[]]) =>
    startConsumer({
      database,
      bus: events.bus,
      schema: kit.service,
      stream: streams[from],
      group: kit.service,
      member: memberName(kit),
      handlers: toHandlers(wanted),
      handlerTimeoutMs: events.handlerTimeoutMs,
      hooks: hooksOf(streams[from]),
    });
  return {
    name: 'consumers',
    start: () => sources.forEach((source) => consumers.set(streams[source[0]], start(source))),
    stop: async () => void (await Promise.all([...consumers.values()].map((consumer) => consumer.stop()))),
  };
}

/** The same after a restart, and another for each process of a host. */
function memberName({ config }: Kit): string {
  return `${hostname()}-${config.opsPort || process.pid}`;
}

/** Each member tells of the whole group: a dashboard takes the greatest, not the sum. */
function gaugesOf(
  { metrics, service: group }: Kit,
  { bus, allStreams }: { bus: EventBus; allStreams: readonly string[] },
): void {
  const ofEachStream = (ask: (stream: string) => Promise<number>) => ({
    labelNames: ['stream'] as const,
    collect: async (gauge: { set: (labels: { stream: string }, value: number) => void }) => {
      for (const stream of allStreams) gauge.set({ stream }, await ask(stream));
    },
  });
  metrics.gauge(
    'event_consumer_lag',
    'Events that this service has yet to handle',
    ofEachStream((stream) => bus.lag(stream, group)),
  );
  metrics.gauge(
    'event_dead_letters_waiting',
    'Events given up that wait to be replayed or discarded',
    ofEachStream((stream) => bus.deadLetters(stream, group).count()),
  );
}

function createHooks(
  kit: Kit,
  bus: string,
  allStreams: readonly string[],
): (stream: string) => ConsumerHooks {
  const { logger, metrics } = kit;
  const handled = metrics.counter('events_handled_total', 'Events handled', ['stream']);
  const dead = metrics.counter('event_dead_letters_total', 'Events given up after too many tries', [
    'stream',
  ]);
  const partitions = metrics.gauge(
    'event_partitions',
    'Partitions of a stream that this process handles, of all there are',
    ['stream'],
  );
  for (const counter of [handled, dead]) allStreams.forEach((stream) => counter.inc({ stream }, 0));
  const log = (level: 'warn' | 'error', message: string, { event, ...fields }: HandlingFailure) =>
    runWithContext(contextOf(event, kit), () => logger[level](message, { ...fields, event_id: event?.id }));
  return (stream) => ({
    onHandled: ({ count }) => handled.inc({ stream }, count),
    onHandlerError: ({ event, attempts, error }) =>
      log('warn', `Handling ${event.type} failed`, { event, attempts, error }),
    onDeadLetter: ({ event, position, error }) => {
      dead.inc({ stream });
      log('error', `${event?.type ?? 'An entry'} is a dead letter of ${stream}`, { event, position, error });
    },
    onPartitions: (count) => partitions.set({ stream }, count),
    onError: (error) => logger.warn(`The consumer of ${stream} cannot go on for now`, { error }),
    around: (event, handle) => inTrace(kit, { bus, stream }, { event, handle }),
  });
}

interface HandlingFailure {
  event: BusEvent | undefined;
  position?: string;
  attempts?: number;
  error: unknown;
}

/** What is logged and asked while an event is handled belongs to the trace of whatever made it happen. */
async function inTrace(
  kit: Kit,
  { bus, stream }: { bus: string; stream: string },
  { event, handle }: { event: BusEvent; handle: () => Promise<void> },
): Promise<void> {
  const context = contextOf(event, kit);
  if (context.sampled) {
    context.span = kit.tracing.startServerSpan(context, `handle ${event.type}`, {
      'messaging.system': bus,
      'messaging.destination.name': stream,
      'messaging.message.id': event.id,
    });
  }
  try {
    await runWithContext(context, handle);
  } finally {
    context.span?.end();
  }
}

/** An event stands for the request: its id is the request's. */
function contextOf(event: BusEvent | undefined, { tracing }: Kit): RequestContext {
  const context = tracing.begin(event?.traceparent, event?.id ?? '');
  context.endpoint = `event ${event?.type ?? 'unknown'}`;
  return context;
}
