import { ServerResponse } from 'node:http';
import { defineRoute, getPostRoute } from '@rostrum/contracts';
import { createLogger, createMetrics, startTracing } from '@rostrum/observability';
import type { AccessClaims, TokenVerifier } from '@rostrum/security';
import { createHttpApp, createPublicServer, HealthRegistry, listen } from '@rostrum/service-kit';
import { answer } from './answer';
import { signedVerifier } from './signed-verifier';

/** Serves one route with the whole kit; BENCH_OFF turns parts of it off, to see what each costs. */
async function main(): Promise<void> {
  const off = new Set((process.env['BENCH_OFF'] ?? '').split(','));
  const about = { service: 'bench', version: '1', environment: 'bench' };
  const logger = createLogger({
    ...about,
    level: 'info',
    format: 'json',
    output: '/dev/null',
    sampleFirst: 0,
    sampleEvery: 1,
  });
  if (off.has('log')) logger.access = () => undefined;
  const metrics = createMetrics({ service: 'bench' });
  if (off.has('metrics')) metrics.httpRequest = () => undefined;
  const tracing = startTracing({
    ...about,
    enabled: !off.has('traces'),
    samplingRate: 0.1,
    exporter: { export: (_spans, done) => done({ code: 0 }), shutdown: () => Promise.resolve() },
  });
  const open = defineRoute({ ...withoutSchema(), auth: 'none' });
  const { verifier, token } = await signedVerifier();
  const http = createHttpApp({
    service: 'posts',
    trustedProxies: [],
    followsProxies: false,
    logger,
    metrics,
    tracing,
    health: new HealthRegistry({ dependencies: [] }),
    tokens: off.has('token') ? verifier : asIfSent(verifier, token),
    checkResponses: false,
    requestTimeoutMs: 30_000,
    routes: (binder) => {
      const reply = () => ({ status: 200, body: answer }) as const;
      if (off.has('token') && off.has('validation')) binder.bind(open, reply);
      else if (off.has('token')) binder.bind({ ...getPostRoute, auth: 'none' }, reply);
      else if (off.has('validation')) binder.bind({ ...open, auth: 'user' }, reply);
      else binder.bind(getPostRoute, reply);
    },
  });
  if (off.has('headers'))
    http.app.response.writeHead = ServerResponse.prototype.writeHead as typeof http.app.response.writeHead;
  const port = await listen(createPublicServer(http), { port: 0, host: '127.0.0.1' });
  process.stdout.write(`listening ${port}\n`);
}

function withoutSchema() {
  const { params: _, ...route } = getPostRoute;
  return route;
}

/** The load tool sends a word; the verifier gets the real token, so that its look-up is paid for. */
function asIfSent(verifier: TokenVerifier, token: string): TokenVerifier {
  return { ...verifier, verify: (): AccessClaims | Promise<AccessClaims> => verifier.verify(token) };
}

void main();
