import type { Redis } from '@rostrum/data-access';
import { LRUCache } from 'lru-cache';
import { gatherCalls } from '../gathered-calls';
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
/** While a script runs Redis does nothing else. */
const mostAtOnce = 64;

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

/** The rules of `attempt-rules`, for all processes at once and for many attempts, one after the other. */
const beginScript = `
local now = tonumber(ARGV[1])
local function begin(key, free, forget)
  local found = redis.call('HMGET', key, 'failures', 'underWay', 'begunAt', 'notBefore')
  local failures, underWay = tonumber(found[1] or 0), tonumber(found[2] or 0)
  local begunAt, notBefore = tonumber(found[3] or 0), tonumber(found[4] or 0)
  if now < notBefore then return {'delayed', notBefore - now} end
  if now - begunAt >= ${attemptLimitMs} then underWay = 0 end
  if underWay >= math.max(1, free - failures) then return {'busy', 0} end
  redis.call('HSET', key, 'underWay', underWay + 1, 'begunAt', now)
  redis.call('PEXPIRE', key, forget)
  return {'', 0}
end
local verdicts = {}
for i, key in ipairs(KEYS) do verdicts[i] = begin(key, tonumber(ARGV[2 * i]), tonumber(ARGV[2 * i + 1])) end
return verdicts`;

const endScript = `
local now = tonumber(ARGV[1])
local function finish(key, outcome, free, first, longest, forget)
  local found = redis.call('HMGET', key, 'failures', 'underWay', 'notBefore')
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
  if failures == 0 and underWay == 0 then return redis.call('DEL', key) end
  redis.call('HSET', key, 'failures', failures, 'underWay', underWay, 'notBefore', string.format('%.0f', notBefore))
  redis.call('PEXPIRE', key, forget)
end
for i, key in ipairs(KEYS) do
  local at = 5 * i - 3
  finish(key, ARGV[at], tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3]), tonumber(ARGV[at + 4]))
end`;

interface Begun {
  key: string;
  limits: AttemptLimits;
}

interface Ended extends Begun {
  outcome: AttemptOutcome;
}

/** Shared by all processes; what comes in one turn of the event loop is one step. Rejects where Redis does not answer. */
export class RedisAttempts implements AttemptStore {
  private readonly beginGathered;
  private readonly endGathered;

  constructor(
    private readonly redis: Pick<Redis, 'eval' | 'isCluster'>,
    private readonly now: () => number = Date.now,
  ) {
    // In a cluster, the keys of a script must be in one slot.
    const most = redis.isCluster ? 1 : mostAtOnce;
    this.beginGathered = gatherCalls({ all: (items: readonly Begun[]) => this.beginAll(items), most });
    this.endGathered = gatherCalls({ all: (items: readonly Ended[]) => this.endAll(items), most });
  }

  begin(key: string, limits: AttemptLimits): Promise<AttemptVerdict> {
    return this.beginGathered({ key, limits });
  }

  end(key: string, outcome: AttemptOutcome, limits: AttemptLimits): Promise<void> {
    return this.endGathered({ key, outcome, limits });
  }

  private async beginAll(items: readonly Begun[]): Promise<AttemptVerdict[]> {
    const values = items.flatMap(({ limits: { free, forgetMs } }) => [free, forgetMs]);
    const reply = await this.run(beginScript, items, values);
    return (reply as ['' | 'delayed' | 'busy', number][]).map(([because, waitMs]) =>
      because === '' ? { allowed: true } : { allowed: false, because, waitMs },
    );
  }

  private async endAll(items: readonly Ended[]): Promise<void[]> {
    const values = items.flatMap(({ outcome, limits }) => {
      const { free, firstDelayMs, longestDelayMs, forgetMs } = limits;
      return [outcome, free, firstDelayMs, longestDelayMs, forgetMs];
    });
    await this.run(endScript, items, values);
    return [];
  }

  private run(script: string, items: readonly Begun[], values: (string | number)[]): Promise<unknown> {
    const keys = items.map(({ key }) => `auth:attempts:${key}`);
    return this.redis.eval(script, keys.length, ...keys, this.now(), ...values);
  }
}
