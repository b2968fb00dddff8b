import {
  closeRedis,
  createRateLimits,
  createRedis,
  whenRedisReady,
  type RateLimit,
  type RateLimits,
  type Redis,
  type UncountedCaller,
} from '../src';

export const cleanUp: (() => Promise<unknown> | unknown)[] = [];

afterEach(async () => {
  for (const action of cleanUp.splice(0).reverse()) await action();
});

export const perMinute = (quota: number): RateLimit => ({ name: 'test', quota, windowMs: 60_000 });

export interface Verdict {
  remaining: number;
  resetMs: number;
}

/** Asks once; undefined where Redis does not decide. */
export function ask(limits: RateLimits, limit: RateLimit, caller: string): Promise<Verdict | undefined> {
  return new Promise((resolve) => {
    const asked = limits.ask(limit, caller, {
      onVerdict: (remaining, resetMs) => resolve({ remaining, resetMs }),
      onSilence: () => resolve(undefined),
    });
    if (!asked) resolve(undefined);
  });
}

/** Somebody of whom so many requests have been admitted without asking. */
export class Admitted implements UncountedCaller {
  readonly told: string[] = [];

  constructor(
    readonly limit: RateLimit,
    readonly caller: string,
    private readonly times: number,
  ) {}

  take(): number {
    return this.times;
  }

  onVerdict(remaining: number, _resetMs: number, counted: number): void {
    this.told.push(`${counted} counted, ${remaining} left`);
  }

  onSilence(counted: number): void {
    this.told.push(`${counted} lost`);
  }
}

export async function askMany(limits: RateLimits, limit: RateLimit, times: number): Promise<number> {
  const verdicts = await Promise.all(Array.from({ length: times }, () => ask(limits, limit, 'same')));
  return verdicts.filter((verdict) => verdict !== undefined && verdict.remaining >= 0).length;
}

export async function connect(url: string): Promise<Redis> {
  const redis = createRedis({ url });
  cleanUp.push(() => closeRedis(redis));
  await whenRedisReady(redis);
  return redis;
}

export function limitsOf(
  redis: Redis,
  options: Partial<Parameters<typeof createRateLimits>[0]> = {},
): RateLimits {
  return createRateLimits({ redis, ...options });
}
