/** A small service with real pg, ioredis and fetch, driven over IPC by tracing-libraries.test.ts. */
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { Redis } from 'ioredis';
import { Pool } from 'pg';
import { createLogger, currentContext, runWithContext, startTracing, type Tracing } from '../../src';

interface Settings {
  otlpEndpoint: string;
  postgresUrl: string;
  redisUrl: string;
  samplingRate: number;
}

const settings = JSON.parse(process.argv[2] ?? '{}') as Settings;
const logger = createLogger({
  service: 'traced',
  version: '1',
  environment: 'test',
  level: 'info',
  format: 'json',
  output: 'stdout',
});
const tracing: Tracing = startTracing({
  service: 'traced',
  version: '1',
  environment: 'test',
  enabled: true,
  otlpEndpoint: settings.otlpEndpoint,
  samplingRate: settings.samplingRate,
  batchDelayMs: 50,
});
const pool = new Pool({ connectionString: settings.postgresUrl, max: 4 });
const redis = new Redis(settings.redisUrl);
const calleeHeaders: http.IncomingHttpHeaders[] = [];

const server = http.createServer((request, response) => {
  if (request.url?.startsWith('/callee')) {
    calleeHeaders.push(request.headers);
    response.end('ok');
    return;
  }
  const context = tracing.begin(request.headers.traceparent as string | undefined, 'req-1', 'vendor=1');
  if (context.sampled)
    context.span = tracing.startServerSpan(context, 'GET', {
      'http.request.method': 'GET',
      'url.path': request.url ?? '/',
    });
  runWithContext(context, () => {
    void work()
      .catch((error: unknown) => error)
      .then((error) => {
        logger.info('done', { at: currentContext()?.traceId });
        const status = error instanceof Error ? 500 : 200;
        if (context.span)
          tracing.endServerSpan(context.span, { status, route: '/work', ...(status === 500 && { error }) });
        response.writeHead(status).end(JSON.stringify({ traceId: context.traceId, spanId: context.spanId }));
      });
  });

  async function work(): Promise<void> {
    await pool.query('select $1::text as secret', ['c4n4ryS3cret9']);
    await redis.set('session:c4n4ryS3cret9', 'c4n4ryS3cret9');
    await tracing.withSpan('gather', { attributes: { 'cache.hit': false } }, async () => {
      await redis.get('session:c4n4ryS3cret9');
    });
    await fetch(`http://127.0.0.1:${port()}/callee?access_token=c4n4ryS3cret9`, {
      headers: tracing.outgoingHeaders(),
    }).then((answer) => answer.text());
    if (request.url === '/fails') throw new Error('token=c4n4ryS3cret9 refused');
  }
});

const port = () => (server.address() as AddressInfo).port;

process.on('message', (message: { type: string }) => {
  if (message.type === 'callee-headers') process.send?.({ calleeHeaders: calleeHeaders.splice(0) });
  if (message.type === 'self-check')
    void tracing
      .selfCheck({
        query: () => pool.query('select 1'),
        ping: () => redis.ping(),
        fetch: () => fetch(`http://127.0.0.1:${port()}/callee`).then((answer) => answer.text()),
      })
      .then((result) => process.send?.(result));
  if (message.type === 'stop')
    void tracing
      .shutdown()
      .then(() => logger.close())
      .then(() => process.exit(0));
});

server.listen(0, '127.0.0.1', () => process.send?.({ port: port() }));
