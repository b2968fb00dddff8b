import { randomUUID } from 'node:crypto';
import {
  createTestRedis,
  startFaultProxy,
  startNatsServer,
  startRedisCluster,
  type FaultProxy,
} from '@rostrum/testing';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import {
  closeRedis,
  createNatsBus,
  createRedis,
  createRedisBus,
  type EventBus,
  type NatsBusOptions,
  type Redis,
  type RedisBusOptions,
  type RedisConnection,
} from '../../src';

export type BusSettings = Partial<Omit<RedisBusOptions, 'redis'> & Omit<NatsBusOptions, 'servers'>>;

/** A server with an engine, and buses on it: the tests ask the same of each. */
export interface Engine<Proxy = FaultProxy> {
  readonly url: string;
  /** Another connection each time, as another process has. */
  open(settings?: BusSettings): EventBus;
  /** The same through a proxy that does to the connection what networks do. */
  openThrough(settings?: BusSettings): Promise<{ bus: EventBus; proxy: Proxy }>;
  /** Puts something into a partition that is no event. */
  putRaw(stream: string, partition: number, text: string): Promise<void>;
  /** What a crash without any disk leaves of a stream. */
  loseStream(stream: string): Promise<void>;
  /** How many events the stream holds. */
  lengthOf(stream: string, partitions: number): Promise<number>;
  close(): Promise<void>;
}

export type Cut = Pick<FaultProxy, 'reset'>;

export interface EngineKind<Proxy = FaultProxy> {
  name: string;
  start: () => Promise<Engine<Proxy>>;
}

export const engineKinds: EngineKind[] = [
  {
    name: 'Redis',
    start: async () => {
      const shared = await createTestRedis();
      return redisEngine(shared.url, () => shared.close());
    },
  },
  {
    name: 'NATS',
    start: async () => {
      const server = await startNatsServer();
      return natsEngine(server.url, () => server.stop());
    },
  },
];

/** Streams of different tests do not meet. */
export function newStream(): string {
  return `events:${randomUUID().slice(0, 8)}`;
}

/** Three nodes, each with a part of the keys: what belongs together must be on one. */
export const redisCluster: EngineKind<Cut> = {
  name: 'Redis Cluster',
  start: async () => {
    const group = await startRedisCluster();
    const clients: Redis[] = [];
    const open = () => {
      const redis = createRedis({ clusterNodes: group.members, commandTimeoutMs: 2_000 });
      clients.push(redis);
      return redis;
    };
    const own = open();
    const keyOf = (stream: string, partition: number) => `{${stream}}:${partition}`;
    const eachNode = async <T>(ask: (node: Redis) => Promise<T>) => {
      const nodes = group.members.map(({ host, port }) => createRedis({ url: `redis://${host}:${port}` }));
      try {
        return await Promise.all(nodes.map((node) => ask(node)));
      } finally {
        nodes.forEach((node) => node.disconnect());
      }
    };
    // One after the other: a cut would also kill the connections that another one asks for it with.
    let cuts: Promise<unknown> = Promise.resolve();
    return {
      url: '',
      open: (settings = {}) => createRedisBus({ ...settings, redis: open() }),
      openThrough: (settings = {}) =>
        Promise.resolve({
          bus: createRedisBus({ ...settings, redis: open() }),
          proxy: {
            reset: () => {
              cuts = cuts.then(() =>
                eachNode((node) => node.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')),
              );
            },
          },
        }),
      putRaw: async (stream, partition, text) =>
        void (await own.xadd(keyOf(stream, partition), '*', 'some', text)),
      loseStream: async (stream) => {
        for (const key of (await eachNode((node) => node.keys(`{${stream}}*`))).flat()) await own.del(key);
      },
      lengthOf: async (stream, partitions) => {
        const lengths = Array.from({ length: partitions }, (_, each) => own.xlen(keyOf(stream, each)));
        return (await Promise.all(lengths)).reduce((sum, length) => sum + length, 0);
      },
      close: async () => {
        await cuts;
        await Promise.all(clients.map((client) => closeRedis(client)));
        await group.stop();
      },
    };
  },
};

export function redisEngine(where: string | RedisConnection, end: () => Promise<void>): Engine {
  const clients: Redis[] = [];
  const proxies: FaultProxy[] = [];
  const url = typeof where === 'string' ? where : '';
  const connectTo = (servers: RedisConnection) => {
    const redis = createRedis({ ...servers, commandTimeoutMs: 2_000 });
    clients.push(redis);
    return redis;
  };
  const connect = () => connectTo(typeof where === 'string' ? { url: where } : where);
  const own = connect();
  const keysOf = (stream: string) => own.keys(`{${stream}}*`);
  return {
    url,
    open: (settings = {}) => createRedisBus({ ...settings, redis: connect() }),
    openThrough: async (settings = {}) => {
      const proxy = await startFaultProxy({ target: url });
      proxies.push(proxy);
      return { proxy, bus: createRedisBus({ ...settings, redis: connectTo({ url: proxy.urlFor(url) }) }) };
    },
    putRaw: async (stream, partition, text) =>
      void (await own.xadd(`{${stream}}:${partition}`, '*', 'some', text)),
    loseStream: async (stream) => void (await own.del(...(await keysOf(stream)))),
    lengthOf: async (stream, partitions) => {
      const lengths = Array.from({ length: partitions }, (_, each) => own.xlen(`{${stream}}:${each}`));
      return (await Promise.all(lengths)).reduce((sum, length) => sum + length, 0);
    },
    close: async () => {
      await Promise.all(clients.map((client) => closeRedis(client)));
      await Promise.all(proxies.map((proxy) => proxy.close()));
      await end();
    },
  };
}

export function natsEngine(url: string, end: () => Promise<void>): Engine {
  const buses: EventBus[] = [];
  const proxies: FaultProxy[] = [];
  let own: Promise<NatsConnection> | undefined;
  const manager = async () => {
    own ??= connect({ servers: new URL(url).host, maxReconnectAttempts: -1, reconnectTimeWait: 100 });
    return jetstreamManager(await own, { checkAPI: false });
  };
  const plain = (stream: string) => stream.replaceAll(':', '_');
  const openAt = (where: string, settings: BusSettings) => {
    const bus = createNatsBus({ ackWaitMs: 1_000, ...settings, servers: [where] });
    buses.push(bus);
    return bus;
  };
  return {
    url,
    open: (settings = {}) => openAt(url, settings),
    openThrough: async (settings = {}) => {
      const proxy = await startFaultProxy({ target: url });
      proxies.push(proxy);
      return { proxy, bus: openAt(proxy.urlFor(url), settings) };
    },
    putRaw: async (stream, partition, text) => {
      await manager();
      const connection = await own;
      if (connection) await jetstream(connection).publish(`${plain(stream)}.p.${partition}`, text);
    },
    loseStream: async (stream) => void (await (await manager()).streams.delete(plain(stream))),
    lengthOf: async (stream) => {
      const { state } = await (await manager()).streams.info(plain(stream));
      return state.messages;
    },
    close: async () => {
      await Promise.all(buses.map((bus) => bus.close()));
      await (await own)?.close();
      await Promise.all(proxies.map((proxy) => proxy.close()));
      await end();
    },
  };
}
