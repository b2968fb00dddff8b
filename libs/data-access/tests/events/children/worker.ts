/** A worker in a process of its own, to be killed and frozen: `node worker.js <settings as JSON>`. */
import {
  createDatabase,
  createNatsBus,
  createRedis,
  createRedisBus,
  startConsumer,
  startRelay,
  type BusEvent,
  type EventBus,
} from '../../../src';
import { effect, group, nameOf, schema } from '../shared';

export interface WorkerSettings {
  role: 'consumer' | 'relay';
  busUrl: string;
  databaseUrl: string;
  stream: string;
  member: string;
  partitions: number;
  leaseMs: number;
}

const settings = JSON.parse(process.argv[2] ?? '{}') as WorkerSettings;
const { role, busUrl, databaseUrl, stream, member, partitions, leaseMs } = settings;

const database = createDatabase({ url: databaseUrl, max: 8, applicationName: member });
const bus: EventBus = busUrl.startsWith('nats:')
  ? createNatsBus({ servers: [busUrl], partitions, ackWaitMs: leaseMs })
  : createRedisBus({ redis: createRedis({ url: busUrl, commandTimeoutMs: 2_000 }), partitions });

async function handle(event: BusEvent): Promise<void> {
  if (nameOf(event).startsWith('deadly')) process.kill(process.pid, 'SIGKILL');
  // The signal arrives while this waits, not while it goes on to commit.
  if (nameOf(event).startsWith('deadly')) await new Promise(() => undefined);
}

if (role === 'relay') {
  startRelay({ database, bus, schema, stream, batchSize: 25, pollMs: 50 });
} else {
  startConsumer({
    ...{ database, bus, schema, stream, group, member, leaseMs, retryMs: 5 },
    handlers: {
      'thing.happened': async (event, trx) => {
        await handle(event);
        await effect(event, trx, member);
      },
    },
  });
}
// Ends with the test, whatever that one dies of.
process.once('disconnect', () => process.exit(0));
process.send?.('started');
