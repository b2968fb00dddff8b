export { waitFor, type WaitOptions } from './wait-for';
export { createTestDatabase, type TestDatabase } from './postgres/test-database';
export { createTestRedis, type TestRedis } from './redis/test-redis';
