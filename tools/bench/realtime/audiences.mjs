/** Many sockets of one server, and what tells all of them something. */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { startChild } from './children.mjs';
import { cores, script } from './scripts.mjs';
import { withServices } from './service-stage.mjs';

const { serverCore, clientCore } = cores;
const servers = { 'bare ws': 'serve-bare', 'our sockets': 'serve-sockets' };
const wholeService = 'the service';
const socketsOfPerson = 10;

export const floor = 'bare ws';
export const variants = [...Object.keys(servers), wholeService];

/**
 * Calls `work` with the server, its clients, the memory that it took without them, and `tell({ rounds, burst })`, which
 * resolves when all clients have got that many events. The service is told by Redis, the others tell by themselves.
 */
export function withAudience(variant, options, work) {
  return variant === wholeService
    ? withServiceAudience(options, work)
    : withPlainAudience(variant, options, work);
}

async function withPlainAudience(variant, { count }, work) {
  const server = await startChild(script(servers[variant]), { core: serverCore, says: true });
  const clients = await startChild(script('clients'), { core: clientCore });
  try {
    const { rss: base } = await server.ask('rss');
    await clients.ask('open', { port: server.hello.port, count, expected: 0 });
    // The last handshakes may have been answered before they were done with.
    await delay(200);
    const tell = tellerOf({ clients, count }, (burst) => server.ask('broadcast', { burst }));
    return await work({ server, clients, base, tell });
  } finally {
    await clients.stop();
    await server.stop();
  }
}

/** Everybody has a token, is welcomed and subscribes: to a post that all look at, or to their own notifications. */
function withServiceAudience({ count, own = false }, work) {
  const channel = own ? 'user:me' : `post:${randomUUID()}`;
  const people = own ? count : Math.ceil(count / socketsOfPerson);
  return withServices({ people }, async ({ startService, clients, stage, tokens }) => {
    const server = await startService();
    const { rss: base } = await server.ask('rss');
    const hello = JSON.stringify({ type: 'subscribe', channel });
    await clients.ask('open', { port: server.hello.port, count, tokens, hello, expected: 2 });
    const tell = tellerOf({ clients, count }, (burst) => stage.ask('publish', { channel, count: burst }));
    return work({ server, clients, base, tell });
  });
}

/**
 * One burst after the other, each when all clients have got the one before. What is sent to clients that are behind is
 * cheaper, since nobody has to be woken up for it; so that this is the same for quick servers and slow ones, those who wait
 * for a single event stay awake.
 */
function tellerOf({ clients, count }, send) {
  return async ({ rounds, burst }) => {
    await clients.ask('reset');
    for (let round = 1; round <= rounds; round += 1) {
      const reached = { frames: round * burst * count, awake: burst === 1 };
      await Promise.all([clients.ask('reached', reached), send(burst)]);
    }
  };
}
