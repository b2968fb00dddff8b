import { problems } from '@rostrum/errors';
import { redisKeys, type Redis } from '@rostrum/data-access';
import { Command } from 'ioredis';

export interface PresenceOptions {
  redis: Pick<Redis, 'isCluster' | 'sendCommand' | 'hvals' | 'pttl'>;
  /** Tells this process from the others that hold sockets. */
  instanceId: string;
  /** How long a user stays online when nothing is heard of them any more. */
  ttlSeconds: number;
}

/** How somebody is who has a socket. */
export type Liveliness = 'online' | 'away';

export type PresenceState = Liveliness | 'offline';

/** How somebody is whose sockets this process holds. */
export interface SignOfLife {
  userId: string;
  state: Liveliness;
}

/** No script runs for long: what one of them does makes all others wait. */
const peoplePerCall = 200;

/** KEYS: people. ARGV: the process, for how many seconds, and how each of them is. */
const announceScript = `
for i, key in ipairs(KEYS) do
  redis.call('HSET', key, ARGV[1], ARGV[i + 2])
  redis.call('EXPIRE', key, ARGV[2])
end`;

/**
 * Who is online, over all processes: a hash per user with a field for each process that holds sockets of theirs. The
 * whole hash expires unless one of those processes keeps announcing the user, so what a dead process left behind goes
 * by itself, and no clocks need to agree. What is written is sent at once, in the order in which it is said.
 */
export class PresenceStore {
  constructor(private readonly options: PresenceOptions) {}

  async announce(people: readonly SignOfLife[]): Promise<void> {
    const { redis, instanceId, ttlSeconds } = this.options;
    const step = redis.isCluster ? 1 : peoplePerCall;
    const calls: Promise<unknown>[] = [];
    for (let start = 0; start < people.length; start += step) {
      const some = people.slice(start, start + step);
      const keys = some.map(({ userId }) => keyOf(userId));
      const states = some.map(({ state }) => state);
      calls.push(
        this.send('eval', [announceScript, keys.length, ...keys, instanceId, ttlSeconds, ...states]),
      );
    }
    await Promise.all(calls);
  }

  /** This process holds no socket of the user any more. Redis removes a hash with its last field. */
  async withdraw(userId: string): Promise<void> {
    await this.send('hdel', [keyOf(userId), this.options.instanceId]);
  }

  async stateOf(userId: string): Promise<PresenceState> {
    return stateIn(this.options.redis, userId);
  }

  /** Also for how long that holds if nothing more is heard of them: undefined for who is offline. */
  async look(userId: string): Promise<{ state: PresenceState; holdsMs: number | undefined }> {
    const [state, left] = await Promise.all([
      this.stateOf(userId),
      this.options.redis.pttl(keyOf(userId)).catch((error: unknown) => {
        throw problems.unavailable('redis', 1, error);
      }),
    ]);
    return { state, holdsMs: state === 'offline' ? undefined : Math.max(left, 0) };
  }

  private send(name: string, args: (string | number)[]): Promise<unknown> {
    // Its type allows for commands that are not sent at once, which this client has none of.
    return this.options.redis.sendCommand(new Command(name, args)) as Promise<unknown>;
  }
}

/** Also for those who hold no sockets. Away only where no process knows better. */
export async function stateIn(redis: Pick<Redis, 'hvals'>, userId: string): Promise<PresenceState> {
  try {
    const states = await redis.hvals(keyOf(userId));
    if (states.length === 0) return 'offline';
    return states.every((state) => state === 'away') ? 'away' : 'online';
  } catch (error) {
    throw problems.unavailable('redis', 1, error);
  }
}

const keys = redisKeys('realtime');

function keyOf(userId: string): string {
  return keys.key('presence', userId);
}
