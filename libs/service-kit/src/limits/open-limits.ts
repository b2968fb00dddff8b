import type { Config, rateLimitSettings } from '@rostrum/config';
import { createRateLimits, type Redis } from '@rostrum/data-access';
import type { Metrics } from '@rostrum/observability';
import type { Kit } from '../lifecycle/kit';
import { InternalNetworks } from './caller-address';
import { CallerIdentities } from './caller-identities';
import { LimitPolicy } from './limit-policy';
import { Limiter, type RejectionReason } from './limiter';
import { createLimits, type Limits } from './limits';

export type LimitsConfig = Config<typeof rateLimitSettings>;

/** The limits of a service, shared through Redis, with their metrics. */
export function openLimits(kit: Kit, redis: Redis, config: LimitsConfig): Limits {
  const rejections = rejectionCounter(kit.metrics, ['api', 'auth']);
  const shared = createRateLimits({
    redis,
    timeoutMs: config.rateLimitRedisTimeoutMs,
    hooks: { onAvailability: ({ available, reason }) => tell(kit, available, reason) },
  });
  kit.metrics.gauge('rate_limiter_local', '1 while Redis does not decide and each process does for itself', {
    collect: (gauge) => gauge.set(shared.available ? 0 : 1),
  });
  const limiter = new Limiter({ shared, onRejected: rejections });
  const { rateLimitInternalNetworks: networks, rateLimitIdentityKey: identityKey } = config;
  if (identityKey !== undefined) kit.logger.info('Callers with a signed identity have limits of their own');
  return createLimits(policiesOf(config), {
    limiter,
    networks: networks.length > 0 ? new InternalNetworks(networks) : undefined,
    identities: identityKey === undefined ? undefined : new CallerIdentities(identityKey),
  });
}

function policiesOf(config: LimitsConfig) {
  const { rateLimitAuthRequests: authQuota, rateLimitInstances: instances } = config;
  return {
    api: new LimitPolicy({
      name: 'api',
      quota: config.rateLimitApiRequests,
      windowMs: config.rateLimitApiWindowSeconds * 1000,
    }),
    auth: new LimitPolicy({
      name: 'auth',
      quota: authQuota,
      windowMs: config.rateLimitAuthWindowSeconds * 1000,
      localQuota: Math.max(1, Math.floor(authQuota / instances)),
      strict: true,
    }),
  };
}

function tell({ logger }: Kit, available: boolean, reason: unknown): void {
  if (available) logger.info('Redis decides on rate limits again');
  else logger.warn('Redis does not decide on rate limits: each process does for itself', { reason });
}

const counterName = 'rate_limit_rejections_total';
const reasons = ['limit', 'limiter_unavailable'] as const;

/** Counts what a limit refused. All limits of a process count in one metric, HTTP or not. */
export function rejectionCounter<Policy extends string>(
  metrics: Metrics,
  policies: readonly Policy[],
): (policy: Policy, reason: RejectionReason) => void {
  const known = metrics.registry.getSingleMetric(counterName) as ReturnType<Metrics['counter']> | undefined;
  const counter =
    known ??
    metrics.counter(counterName, 'Requests and messages that a rate limit refused', ['policy', 'reason']);
  for (const policy of policies) for (const reason of reasons) counter.inc({ policy, reason }, 0);
  return (policy, reason) => counter.inc({ policy, reason });
}
