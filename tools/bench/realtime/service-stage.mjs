/** The whole service among throw-away servers, its people's tokens, and the clients that will use them. */
import { randomBytes } from 'node:crypto';
import { processOptions } from '../../start/process-options.mjs';
import { startTestServers } from '../../test/servers.mjs';
import { startChild } from './children.mjs';
import { cores, script } from './scripts.mjs';

const { serverCore, clientCore } = cores;
const { nodeArguments, environment } = processOptions({ service: 'realtime', kind: 'main' });

/**
 * Calls `work` with what starts services, the clients (`clients` names their script), a token for each person, and the
 * stage, which publishes; ends everything afterwards.
 */
export async function withServices({ people, clients: kind = 'clients' }, work) {
  const servers = await startTestServers();
  const ends = [() => servers.stop()];
  try {
    const begin = async (name, options) => {
      const child = await startChild(script(name), options);
      ends.push(() => child.stop());
      return child;
    };
    const env = { TEST_POSTGRES_URL: servers.postgresUrl, BENCH_REDIS_URL: servers.redisUrl };
    const stage = await begin('stage', { core: clientCore, says: true, env });
    ends.push(() => stage.ask('end'));
    const { tokens } = await stage.ask('tokens', { count: people });
    const startService = () =>
      begin('serve-service', {
        core: serverCore,
        says: true,
        nodeArguments,
        env: { ...environment, ...serviceEnvironment(stage.hello, servers.redisUrl) },
      });
    const clients = await begin(kind, { core: clientCore });
    try {
      return await work({ startService, clients, stage, tokens });
    } finally {
      // Before what they are connected to.
      await clients.stop();
    }
  } finally {
    for (const end of ends.reverse()) await end();
  }
}

function serviceEnvironment({ databaseUrl, issuer, audience, jwksUrl, postsUrl }, redisUrl) {
  return {
    ENVIRONMENT: 'test',
    HOST: '127.0.0.1',
    PORT: '0',
    OPS_PORT: '0',
    LOG_OUTPUT: '/dev/null',
    DATABASE_URL: databaseUrl,
    DATABASE_MAX_CONNECTIONS: '5',
    DATABASE_MIN_IDLE: '0',
    REDIS_URL: redisUrl,
    JWT_ISSUER: issuer,
    JWT_AUDIENCE: audience,
    JWKS_URL: jwksUrl,
    POSTS_URL: postsUrl,
    CURSOR_SECRET: randomBytes(32).toString('hex'),
    TRACING_ENABLED: 'false',
    RATE_LIMIT_WEBSOCKET_HANDSHAKES: '1000000',
    WEBSOCKET_MAX_CONNECTIONS_PER_ADDRESS: '1000000',
  };
}
