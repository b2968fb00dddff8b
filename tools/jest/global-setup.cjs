const path = require('node:path');
const { makeTemporaryFolder } = require('./temporary-folder.cjs');

// Not as a literal: every project uses this preset, and none should depend on all of the tools because of it.
const servers = path.join(__dirname, '../test/servers.mjs');

/**
 * Gives the tests a temporary folder, and a throw-away PostgreSQL and Redis unless `npm test` already runs both for all
 * projects.
 */
module.exports = async function globalSetup() {
  globalThis.rostrumTemporaryFolder = makeTemporaryFolder();
  if (process.env.TEST_POSTGRES_URL && process.env.TEST_REDIS_URL) return;
  const { startTestServers } = await import(servers);
  const started = await startTestServers();
  process.env.TEST_POSTGRES_URL = started.postgresUrl;
  process.env.TEST_REDIS_URL = started.redisUrl;
  globalThis.rostrumTestServers = started;
};
