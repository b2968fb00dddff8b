export type { ReplyOf, RouteBinder, RouteInput } from './http/bind-route';
export { createHttpApp, type HttpApp, type HttpAppOptions } from './http/http-app';
export { ProvisionalReply, type Condition } from './http/provisional-reply';
export { ReadyBody } from './http/ready-body';
export { sendReply, type Reply } from './http/reply';
export type { Once, Together, Write } from './http/idempotency';
export { entityTag, isUnchanged } from './http/entity-tag';
export { beginRequest } from './http/begin-request';
export { acceptRequestId } from './http/request-id';
export { clientAddress, userAgentFamily } from './http/client-facts';
export { currentExchange } from './http/exchange';
export { assertCsrfToken, assertFromOwnPage, readCookie } from './http/cookie-session';
export { HealthRegistry, type Criticality, type Dependency } from './health/health-registry';
export type { AdminAction, OpsReply } from './ops/admin-actions';
export { createOpsServer } from './ops/ops-server';
export { createKit, type Kit, type KitConfig, type KitOverrides } from './lifecycle/kit';
export { opsSettings, processSettings } from './lifecycle/settings';
export {
  createService,
  type BackgroundWork,
  type Resource,
  type Service,
  type ServiceParts,
} from './lifecycle/service';
export { RepeatedWork, type RepeatedWorkOptions } from './lifecycle/repeated-work';
export { runProcess, type ProcessOptions } from './lifecycle/run-process';
export { runMigrations, type MigrationProcess } from './lifecycle/run-migrations';
export { createPublicServer, listen } from './lifecycle/public-server';
export { openDatabase, type OpenDatabase } from './wiring/open-database';
export { openRedis, type OpenRedis } from './wiring/open-redis';
export { openStores, type OpenStores } from './wiring/open-stores';
export { countCacheReads, openCache } from './wiring/open-cache';
export { expireIdempotencyKeys, openIdempotency } from './wiring/open-idempotency';
export { Breakers } from './wiring/breakers';
export { openAuthClient, openHttpClient, type OpenHttpClient } from './wiring/open-http-client';
export {
  createEventPublisher,
  type EventPublisher,
  type EventRow,
  type Fact,
} from './wiring/event-publisher';
export { openEventBus, type OpenEventBus } from './wiring/open-event-bus';
export { relayEvents, type EventStores } from './wiring/relay-events';
export {
  followRevocations,
  type FollowedRevocations,
  type RevocationSources,
} from './wiring/follow-revocations';
export { openTokens, type OpenTokens } from './wiring/open-tokens';
export { deadLetterActions } from './wiring/dead-letter-actions';
export { consumeEvents, type Subscriptions } from './wiring/consume-events';
export { onEvent, type HandlingContext, type Subscription } from './wiring/subscriptions';
export { openLimits, rejectionCounter, type LimitsConfig } from './limits/open-limits';
export type { Limits } from './limits/limits';
export { callerAddress } from './limits/caller-address';
export { CallerIdentities, type CallerIdentity } from './limits/caller-identities';
