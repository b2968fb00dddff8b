import { redisKeys, type Redis } from '@rostrum/data-access';
import type { AccessClaims, TokenVerifier } from '@rostrum/security';

const keys = redisKeys('auth');
const minutesCounted = 5;
const keptSeconds = (minutesCounted + 1) * 60;
const mostRemembered = 100_000;

/**
 * Counts the people who were here in the last five minutes, over all instances: one HyperLogLog a minute in Redis, told
 * of each person once a minute. What Redis does not take is not counted, and nobody waits for it.
 */
export class ActiveUsers {
  private minute = 0;
  private readonly told = new Set<string>();

  constructor(private readonly redis: Pick<Redis, 'pipeline' | 'pfcount'>) {}

  note(userId: string): void {
    const minute = currentMinute();
    if (minute !== this.minute || this.told.size >= mostRemembered) this.told.clear();
    this.minute = minute;
    if (this.told.has(userId)) return;
    this.told.add(userId);
    const key = keyOf(minute);
    void this.redis
      .pipeline()
      .pfadd(key, userId)
      .expire(key, keptSeconds)
      .exec()
      .catch(() => undefined);
  }

  /** Within a percent. Rejects where Redis does not answer: the number is unknown then, not zero. */
  count(): Promise<number> {
    const minute = currentMinute();
    return this.redis.pfcount(...Array.from({ length: minutesCounted }, (_, ago) => keyOf(minute - ago)));
  }

  /** Notes everyone whose token is verified. */
  watch(tokens: TokenVerifier): TokenVerifier {
    const noted = (claims: AccessClaims) => {
      this.note(claims.userId);
      return claims;
    };
    return {
      ...tokens,
      verify: (token) => {
        const claims = tokens.verify(token);
        return claims instanceof Promise ? claims.then(noted) : noted(claims);
      },
    };
  }
}

/** All of them on one node of a cluster: they are counted together. */
function keyOf(minute: number): string {
  return keys.together('active-users', minute);
}

function currentMinute(): number {
  return Math.floor(Date.now() / 60_000);
}
