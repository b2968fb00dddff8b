export { createDatabase, type Database, type DatabaseHooks, type DatabaseOptions } from './postgres/database';
export type { PoolStats } from './postgres/connection-pool';
export type { QueryEvent } from './postgres/connection';
export type {
  Queryable,
  QueryOptions,
  QueryResult,
  Row,
  Transaction,
  TransactionOptions,
} from './postgres/transaction';
export {
  isCheckViolation,
  isConnectionError,
  isForeignKeyViolation,
  isNotNullViolation,
  isSqlError,
  isTransactionConflict,
  isUniqueViolation,
  mapViolation,
  type QueryOutcome,
  type SqlError,
} from './postgres/sql-state';
export {
  provisionDatabase,
  restrictDatabase,
  serviceRoles,
  withClient,
  withDatabase,
  type ProvisionedService,
  type ProvisionOptions,
} from './postgres/provision';
export { migrate, type MigrateOptions, type MigrationStatus } from './postgres/migrate';
export {
  isMigrationFile,
  type Migration,
  type MigrationLocation,
  type MigrationMap,
} from './postgres/migration-source';
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
