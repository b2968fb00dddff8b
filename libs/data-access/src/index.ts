export { newId } from './new-id';
export { createDatabase, type Database } from './postgres/database';
export type { DatabaseHooks, DatabaseOptions } from './postgres/database-options';
export type { StoreGuard } from './store-guard';
export { connectionTarget, tlsModes, type TlsMode, type TlsOptions } from './postgres/connection-target';
export { connectionBudgetProblem, type ConnectionPlan } from './postgres/connection-budget';
export type { PoolStats } from './postgres/pool/pool-options';
export type { QueryEvent } from './postgres/pool/connection';
export type { Leak } from './postgres/pool/loan-watch';
export type { Queryable, QueryOptions, QueryResult, Row } from './postgres/queryable';
export type { Commit, Transaction, TransactionOptions } from './postgres/transaction';
export { RetryBudget, type RetryBudgetOptions } from './postgres/retry-budget';
export {
  IdempotencyKeys,
  type IdempotencyKeysOptions,
  type KeptReply,
  type KeyFinding,
  type RepeatableWrite,
} from './postgres/idempotency/idempotency-keys';
export {
  GatheredKeys,
  arrayLiteral,
  compareKeys,
  type GatheredColumn,
  type KeyToKeep,
} from './postgres/idempotency/gathered-keys';
export { createIdempotencyTable, dropIdempotencyTable } from './postgres/idempotency/idempotency-table';
export type { RetryEvent, RetryReason } from './postgres/transaction-retry';
export {
  createGatheredRead,
  type GatheredRead,
  type GatheredReadOptions,
} from './postgres/gather/gathered-read';
export {
  createGatheredWrite,
  type GatheredWrite,
  type GatheredWriteOptions,
} from './postgres/gather/gathered-write';
export { textArrayParameter, withTextArrays } from './postgres/gather/text-array';
export {
  ReadAfterWrite,
  type MarkStore,
  type ReadAfterWriteOptions,
} from './postgres/replicas/read-after-write';
export { redisMarkStore } from './postgres/replicas/redis-mark-store';
export type { ReadEvent } from './postgres/replicas/reader';
export type { ReplicaStats } from './postgres/replicas/replica';
export type { ReplicaChange, ReplicaLimits } from './postgres/replicas/replica-set';
export type { ReadPin, WriteMark } from './postgres/replicas/write-mark';
export {
  isCheckViolation,
  isConnectionError,
  isForeignKeyViolation,
  isNotNullViolation,
  isRefusalOfData,
  isSqlError,
  isTransactionConflict,
  isUniqueViolation,
  mapViolation,
  type QueryOutcome,
  type SqlError,
} from './postgres/sql-state';
export { sqlProblem } from './postgres/sql-problem';
export {
  provisionDatabase,
  restrictDatabase,
  serviceRoles,
  withClient,
  withDatabase,
  type ProvisionedService,
  type ProvisionOptions,
} from './postgres/provision';
export {
  migrate,
  type MigrateDirection,
  type MigrateOptions,
  type MigrationStatus,
} from './migrations/migrate';
export type { DryRunStep } from './migrations/dry-run';
export type { MigrationEntry } from './migrations/migration-plan';
export type { MigrationEvent } from './migrations/migration-events';
export {
  isMigrationFile,
  type Migration,
  type MigrationConfig,
  type MigrationLocation,
  type MigrationMap,
} from './migrations/migration-source';
export {
  closeRedis,
  createRedis,
  duplicateForBlocking,
  pingRedis,
  whenRedisReady,
  type Redis,
  type RedisHooks,
  type RedisOptions,
} from './redis/redis';
export type { RedisAddress, RedisConnection } from './redis/redis-servers';
export { createSubscriber, type Subscriber, type SubscriberOptions } from './redis/subscriber';
export type { BusEvent, SerializedEvent } from './events/bus-event';
export type {
  DeadLetter,
  DeadLetters,
  Delivery,
  EventBus,
  GroupMember,
  PublishedEvent,
} from './events/event-bus';
export { createNatsBus, type NatsBusOptions } from './events/nats-bus/nats-bus';
export { createRedisBus, type RedisBusOptions } from './events/redis-bus/redis-bus';
export { createOutbox, type NewEvent, type Outbox, type OutboxOptions } from './events/outbox';
export {
  createInboxTable,
  createLeaseTables,
  createOutboxTable,
  dropInboxTable,
  dropLeaseTables,
  dropOutboxTable,
} from './events/event-tables';
export { startRelay, type Backlog, type Relay, type RelayHooks, type RelayOptions } from './events/relay';
export { startConsumer, type Consumer, type ConsumerHooks, type ConsumerOptions } from './events/consumer';
export type { EventHandler, EventHandlers } from './events/inbox';
export { runMigrateCommand, type MigrateCommandOptions } from './migrations/migrate-command';
export { createCache, type Cache } from './redis/cache/cache';
export type { CacheHooks, CacheOptions, CacheResult, ReadOptions } from './redis/cache/cache-options';
export type { CachedDocument } from './redis/cache/cache-document';
export { Glance, Missing, type Glimpse } from './redis/cache/glance';
export { cachePolicies, type CachePolicy, type CachePolicyName } from './redis/cache/cache-policy';
export {
  PartOfGlance,
  StreamTail,
  type StreamEntry,
  type TailHooks,
  type TailReader,
} from './redis/cache/stream-tail';
export {
  addToStream,
  appendTogether,
  type Appended,
  type Appending,
  type StreamAddition,
} from './redis/cache/append';
export { watchEvictions } from './redis/evictions';
export { redisKeys, type RedisKeys } from './redis/redis-keys';
export type { LimitAsker, RateLimit, UncountedCaller } from './redis/rate-limit-batch';
export { createRateLimits, type RateLimits, type RateLimitsOptions } from './redis/rate-limits';
