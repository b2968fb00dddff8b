import type { Redis } from '@rostrum/data-access';
import { LRUCache } from 'lru-cache';
import {
  attemptLimitMs,
  beginAttempt,
  endAttempt,
  noAttempts,
  type AttemptLimits,
  type AttemptOutcome,
  type AttemptState,
  type AttemptVerdict,
} from './attempt-rules';

/** Keeps what is known of attempts; each call is one step that no other comes into. */
export interface AttemptStore {
  begin(key: string, limits: AttemptLimits): Promise<AttemptVerdict> | AttemptVerdict;
  end(key: string, outcome: AttemptOutcome, limits: AttemptLimits): Promise<void> | void;
}

const mostRemembered = 50_000;

interface Remembered {
  state: AttemptState;
  touchedAt: number;
}

/** In this process alone: for while Redis is away. */
export class LocalAttempts implements AttemptStore {
  private readonly remembered = new LRUCache<string, Remembered>({ max: mostRemembered });

  constructor(private readonly now: () => number = Date.now) {}

  begin(key: string, limits: AttemptLimits): AttemptVerdict {
    const { verdict, state } = beginAttempt(this.stateOf(key, limits), this.now(), limits);
    if (verdict.allowed) this.remember(key, state);
    return verdict;
  }

  end(key: string, outcome: AttemptOutcome, limits: AttemptLimits): void {
    this.remember(key, endAttempt(this.stateOf(key, limits), { now: this.now(), outcome }, limits));
  }

  private remember(key: string, state: AttemptState): void {
    this.remembered.set(key, { state, touchedAt: this.now() });
  }

  private stateOf(key: string, { forgetMs }: AttemptLimits): AttemptState {
    const found = this.remembered.get(key);
    return found && this.now() - found.touchedAt < forgetMs ? found.state : noAttempts;
  }
}

/** The rules of `attempt-rules`, for all processes at once. */
const beginScript = `
local now, free, forget = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local found = redis.call('HMGET', KEYS[1], 'failures', 'underWay', 'begunAt', 'notBefore')
local failures, underWay = tonumber(found[1] or 0), tonumber(found[2] or 0)
local begunAt, notBefore = tonumber(found[3] or 0), tonumber(found[4] or 0)
if now < notBefore then return {'delayed', notBefore - now} end
if now - begunAt >= ${attemptLimitMs} then underWay = 0 end
if underWay >= math.max(1, free - failures) then return {'busy', 0} end
redis.call('HSET', KEYS[1], 'underWay', underWay + 1, 'begunAt', now)
redis.call('PEXPIRE', KEYS[1], forget)
return {'', 0}`;

const endScript = `
local now, outcome, free, first, longest, forget =
  tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local found = redis.call('HMGET', KEYS[1], 'failures', 'underWay', 'notBefore')
local failures, notBefore = tonumber(found[1] or 0), tonumber(found[3] or 0)
local underWay = math.max(0, tonumber(found[2] or 0) - 1)
if outcome == 'succeeded' then
  failures, notBefore = 0, 0
elseif outcome == 'failed' then
  failures = failures + 1
  local delay = 0
  if failures >= free then delay = math.min(longest, first * 2 ^ (failures - free)) end
  notBefore = math.max(notBefore, now + delay)
end
if failures == 0 and underWay == 0 then return redis.call('DEL', KEYS[1]) end
redis.call('HSET', KEYS[1], 'failures', failures, 'underWay', underWay, 'notBefore', string.format('%.0f', notBefore))
return redis.call('PEXPIRE', KEYS[1], forget)`;

/** Shared by all processes. Rejects where Redis does not answer. */
export class RedisAttempts implements AttemptStore {
  constructor(
    private readonly redis: Pick<Redis, 'eval'>,
    private readonly now: () => number = Date.now,
  ) {}

  async begin(key: string, { free, forgetMs }: AttemptLimits): Promise<AttemptVerdict> {
    const reply = await this.redis.eval(beginScript, 1, nameOf(key), this.now(), free, forgetMs);
    const [because, waitMs] = reply as ['' | 'delayed' | 'busy', number];
    return because === '' ? { allowed: true } : { allowed: false, because, waitMs };
  }

  async end(key: string, outcome: AttemptOutcome, limits: AttemptLimits): Promise<void> {
    const { free, firstDelayMs, longestDelayMs, forgetMs } = limits;
    const values = [this.now(), outcome, free, firstDelayMs, longestDelayMs, forgetMs];
    await this.redis.eval(endScript, 1, nameOf(key), ...values);
  }
}

function nameOf(key: string): string {
  return `auth:attempts:${key}`;
}
