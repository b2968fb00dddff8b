export { waitFor, type WaitOptions } from './wait-for';
export { createTestDatabase, type TestDatabase, type TestDatabaseOptions } from './postgres/test-database';
export {
  startPgBouncer,
  startPostgresReplica,
  startPostgresServer,
  type PgBouncer,
  type PgBouncerOptions,
  type PostgresServerOptions,
} from './postgres/own-postgres';
export { createTestRedis, patientClient, type TestRedis } from './redis/test-redis';
export {
  startRedisCluster,
  startRedisSentinel,
  type RedisGroup,
  type RedisMember,
  type RedisSentinelSet,
} from './redis/redis-groups';
export { startNatsServer, startRedisServer, type OwnServer } from './servers/own-server';
export {
  startFaultProxy,
  type Direction,
  type FaultProxy,
  type FaultProxyOptions,
} from './network/fault-proxy';
export { publishedEvents } from './events/published-events';
export { startRecordingProxy, type RecordingProxy } from './network/recording-proxy';
export { startOtlpCollector, type CollectedSpan, type OtlpCollector } from './telemetry/otlp-collector';
export { recordingLogger, type LogLine, type RecordingLogger } from './telemetry/recording-logger';
export { testTokens, type TestClaims, type TestTokens } from './tokens/test-tokens';
export { openRawWebSocket, webSocketOpcodes, type RawWebSocket } from './web-sockets/raw-web-socket';
export { conformanceCases, type ConformanceCase } from './web-sockets/web-socket-conformance';
