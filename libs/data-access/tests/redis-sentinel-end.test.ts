import { startRedisSentinel, waitFor, type RedisSentinelSet } from '@rostrum/testing';
import { closeRedis, createRedis, type Redis } from '../src';

let set: RedisSentinelSet;

beforeAll(async () => {
  set = await startRedisSentinel();
});
afterAll(() => set.stop());

const open = () => createRedis({ sentinels: set.sentinels, masterName: set.masterName });

/** What the client does to itself when it hears of a failover while it looks for the new master. */
function interruptConnecting(redis: Redis): void {
  (redis as unknown as { connector: { disconnect(): void } }).connector.disconnect();
}

it('a client that a failover interrupts while it connects goes on', async () => {
  const redis = open();
  for (let round = 0; round < 3; round += 1) {
    await waitFor(async () => (await redis.ping()) === 'PONG', { timeoutMs: 20_000 });
    redis.once('connecting', () => interruptConnecting(redis));
    redis.disconnect(true);
    const ended = await waitFor(() => redis.status === 'end' || redis.status === 'ready', {
      timeoutMs: 20_000,
    });
    expect(ended).toBe(true);
  }
  await waitFor(async () => (await redis.ping()) === 'PONG', { timeoutMs: 20_000 });
  await closeRedis(redis);
});

it('a client that is told to end while it connects has ended', async () => {
  const redis = open();
  const ended = new Promise((resolve) => redis.once('end', resolve));
  redis.disconnect();
  await ended;
  const again = jest.fn();
  redis.on('connecting', again);
  const other = open();
  await waitFor(async () => (await other.ping()) === 'PONG', { timeoutMs: 20_000 });
  expect(again).not.toHaveBeenCalled();
  await closeRedis(other);
});
