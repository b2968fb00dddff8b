/** Gives the tests a throw-away PostgreSQL and Redis, unless `npm test` already runs both for all projects. */
module.exports = async function globalSetup() {
  if (process.env.TEST_POSTGRES_URL && process.env.TEST_REDIS_URL) return;
  const { startTestServers } = await import('../test/servers.mjs');
  const servers = await startTestServers();
  process.env.TEST_POSTGRES_URL = servers.postgresUrl;
  process.env.TEST_REDIS_URL = servers.redisUrl;
  globalThis.rostrumTestServers = servers;
};
