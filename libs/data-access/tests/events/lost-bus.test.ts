import {
  startNatsServer,
  startRedisSentinel,
  startRedisServer,
  waitFor,
  type OwnServer,
  type RedisMember,
} from '@rostrum/testing';
import { closeRedis, createRedis } from '../../src';
import { chosen, seed } from './chance';
import { natsEngine, redisEngine, type Engine } from './engines';
import { byKey, EventStage, numbered } from './stage';

const keyOf = (name: string) => `k${Number(name.slice(1)) % 30}`;

interface Kind {
  name: string;
  start: () => Promise<{ server: Pick<OwnServer, 'kill' | 'restart'>; engine: Engine }>;
  kills: number;
  /** Makes it remember what it has now, and nothing that follows. */
  remember?: (engine: Engine) => Promise<void>;
}

const startRedis = async (persistent: boolean | 'everysec') => {
  const server = await startRedisServer({ persistent });
  return { server, engine: redisEngine(server.url, () => server.stop()) };
};

/** Killed is whoever is the master; what had not reached its heir is lost. */
const startSentinel = async () => {
  const set = await startRedisSentinel();
  const { sentinels, masterName } = set;
  let dead: RedisMember | undefined;
  const server = {
    kill: async () => {
      dead = await set.master();
      await set.kill(dead);
    },
    restart: async () => {
      await waitFor(async () => (await set.master()) !== dead, { timeoutMs: 60_000, what: 'another master' });
      if (dead) await set.start(dead);
    },
  };
  return { server, engine: redisEngine({ sentinels, masterName }, () => set.stop()) };
};

async function saveRedis({ url }: Engine): Promise<void> {
  const redis = createRedis({ url, commandTimeoutMs: 10_000 });
  await redis.save();
  await closeRedis(redis);
}

const kinds: Kind[] = [
  {
    name: 'Redis that writes to disk every second, as in production',
    start: () => startRedis('everysec'),
    kills: 3,
  },
  {
    name: 'Redis that wakes up back in time, as after a power cut or a fail-over to a late replica',
    start: () => startRedis(false),
    kills: 3,
    remember: saveRedis,
  },
  { name: 'Redis that remembers nothing', start: () => startRedis(false), kills: 3 },
  { name: 'Redis with Sentinels, its master', start: startSentinel, kills: 2 },
  {
    name: 'NATS',
    start: async () => {
      const server = await startNatsServer();
      return { server, engine: natsEngine(server.url, () => server.stop()) };
    },
    kills: 3,
  },
];

async function untilApplied(stage: EventStage, count: number): Promise<void> {
  const what = `${count} effects (seed ${seed})`;
  await waitFor(async () => (await stage.count()) >= count, { timeoutMs: 60_000, what });
}

describe.each(kinds)('$name', ({ name, start, kills: times, remember }) => {
  it('loses and repeats nothing, and keeps the order, when it is killed at any point', async () => {
    const { server, engine } = await start();
    const stage = await EventStage.open(engine, { partitions: 4 });
    const all = numbered(1_200);
    const kills = chosen(times, 250, 2);
    let restored = 0;
    try {
      stage.relay({ batchSize: 20, pollMs: 50, hooks: { onRestored: ({ count }) => (restored += count) } });
      for (const member of ['one', 'two']) {
        stage.consumer({
          ...{ member, database: stage.otherDatabase(member), batchSize: 20 },
          bus: engine.open({ partitions: stage.partitions }),
        });
      }
      const third = all.length / (kills.length + 1) / 3;
      for (const [round, point] of kills.entries()) {
        const [from, second, last] = [0, 1, 2].map((part) => (3 * round + part) * third) as [
          number,
          number,
          number,
        ];
        await stage.publish(all.slice(from, second), keyOf);
        await untilApplied(stage, from + Math.floor(third / 2));
        await remember?.(engine);
        await stage.publish(all.slice(second, last), keyOf);
        await untilApplied(stage, second + (point % third));
        await server.kill();
        await stage.publish(all.slice(last, last + third), keyOf);
        await server.restart();
      }
      await stage.publish(all.slice(3 * kills.length * third), keyOf);
      await stage.untilDone(all.length, 60_000);
      const effects = await stage.effects();
      process.stdout.write(
        `${name}: ${kills.length} kills, ${restored} events sent anew, ${effects.length} effects (seed ${seed})\n`,
      );
      expect(effects).toHaveLength(all.length);
      for (const [key, names] of byKey(effects)) {
        expect([key, names]).toEqual([key, all.filter((each) => keyOf(each) === key)]);
      }
      expect(await stage.letters().count()).toBe(0);
    } finally {
      await stage.close();
      await engine.close();
    }
  }, 180_000);
});
