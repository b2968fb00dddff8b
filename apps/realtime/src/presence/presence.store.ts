import { problems } from '@rostrum/errors';
import { redisKeys, type Redis } from '@rostrum/data-access';

export interface PresenceOptions {
  redis: Pick<Redis, 'multi' | 'hvals' | 'pttl'>;
  /** Tells this process from the others that hold sockets. */
  instanceId: string;
  /** How long a user stays online when nothing is heard of them any more. */
  ttlSeconds: number;
}

/** How somebody is who has a socket. */
export type Liveliness = 'online' | 'away';

export type PresenceState = Liveliness | 'offline';

/**
 * Who is online, over all processes: a hash per user with a field for each process that holds sockets of theirs. The
 * whole hash expires unless one of those processes keeps announcing the user, so what a dead process left behind goes
 * by itself, and no clocks need to agree.
 */
export class PresenceStore {
  constructor(private readonly options: PresenceOptions) {}

  async announce(userId: string, state: Liveliness): Promise<void> {
    const { redis, instanceId, ttlSeconds } = this.options;
    const key = keyOf(userId);
    await redis.multi().hset(key, instanceId, state).expire(key, ttlSeconds).exec();
  }

  /** This process holds no socket of the user any more. Redis removes a hash with its last field. */
  async withdraw(userId: string): Promise<void> {
    // Like announcements a transaction, so that the two never overtake each other.
    await this.options.redis.multi().hdel(keyOf(userId), this.options.instanceId).exec();
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
