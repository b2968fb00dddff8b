/** The whole service among throw-away servers, its people's tokens, and the clients that will use them. */
import { randomBytes } from 'node:crypto';
import { startTestServers } from '../../test/servers.mjs';
import { startChild } from './children.mjs';

/** Calls `work` with the service, the clients and a token for each person; ends everything afterwards. */
export async function withService({ script, serverCore, clientCore, people }, work) {
  const servers = await startTestServers();
  const ends = [() => servers.stop()];
  try {
    const begin = async (name, options) => {
      const child = await startChild(script(name), options);
      ends.push(() => child.stop());
      return child;
    };
    const env = { TEST_POSTGRES_URL: servers.postgresUrl };
    const stage = await begin('stage', { core: clientCore, says: true, env });
    ends.push(() => stage.ask('end'));
    const { tokens } = await stage.ask('tokens', { count: people });
    const server = await begin('serve-service', {
      core: serverCore,
      says: true,
      env: serviceEnvironment(stage.hello, servers.redisUrl),
    });
    const clients = await begin('clients', { core: clientCore });
    return await work({ server, clients, tokens });
  } finally {
    for (const end of ends.reverse()) await end();
  }
}

function serviceEnvironment({ databaseUrl, issuer, audience, jwksUrl }, redisUrl) {
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
    CURSOR_SECRET: randomBytes(32).toString('hex'),
    TRACING_ENABLED: 'false',
    RATE_LIMIT_WEBSOCKET_HANDSHAKES: '1000000',
    WEBSOCKET_MAX_CONNECTIONS_PER_ADDRESS: '1000000',
  };
}
