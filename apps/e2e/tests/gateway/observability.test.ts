import fs from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { waitFor } from '@rostrum/testing';
import { WebSocket } from 'ws';
import { ask, values } from './client';
import { setStage, type Stage } from './stage';

let stage: Stage;

beforeAll(async () => {
  stage = await setStage();
});

afterAll(() => stage.close());

type Line = Record<string, unknown>;

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
const traceparent = `00-${traceId}-00f067aa0ba902b7-01`;

/** The access log's line of the request with this id. */
async function lineOf(requestId: string, { gateway } = stage): Promise<Line> {
  const find = () => {
    const lines = fs.readFileSync(gateway.accessLogFile, 'utf8').split('\n').filter(Boolean);
    return lines
      .map((line) => JSON.parse(line) as Line)
      .find((line) => line['request_X-Request-Id'] === requestId);
  };
  return waitFor(find, { what: `a line for ${requestId}` });
}

describe('the access log', () => {
  it('tells who asked for what, who answered and how long it took', async () => {
    await ask(stage, '/api/v1/posts/42', { headers: { 'X-Request-Id': 'log-line-1' } });

    expect(await lineOf('log-line-1')).toMatchObject({
      ClientHost: '127.0.0.1',
      RequestMethod: 'GET',
      RequestPath: '/api/v1/posts/42',
      RequestProtocol: 'HTTP/1.1',
      RouterName: 'posts@file',
      ServiceName: expect.stringMatching(/^posts-[12]@file$/) as unknown,
      ServiceURL: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/) as unknown,
      DownstreamStatus: 200,
      OriginStatus: 200,
      Duration: expect.any(Number) as unknown,
      OriginDuration: expect.any(Number) as unknown,
      RetryAttempts: 0,
      TLSVersion: '1.3',
      'request_X-Request-Id': 'log-line-1',
    });
  });

  it.each([
    ['/nowhere', 404, 'not-found@file'],
    ['/api/v1/posts/a%2fb', 400, 'posts@file'],
  ])('has a line for what the gateway answers itself: %s', async (target, status, router) => {
    const id = `log-own-${status}`;
    await ask(stage, target, { headers: { 'X-Request-Id': id } });

    expect(await lineOf(id)).toMatchObject({ DownstreamStatus: status, RouterName: router });
  });

  it('has a line for a redirect', async () => {
    await ask(stage, '/x', { plain: true, headers: { 'X-Request-Id': 'log-redirect-1' } });

    expect(await lineOf('log-redirect-1')).toMatchObject({ DownstreamStatus: 308, entryPointName: 'web' });
  });

  it('holds no secret, wherever it was put', async () => {
    const canary = 'canary-7f3a';
    const secrets = `access_token=${canary}&ticket=${canary}&password=${canary}`;
    const headers = {
      'X-Request-Id': 'log-secrets-1',
      Authorization: `Bearer ${canary}`,
      'Proxy-Authorization': `Basic ${canary}`,
      Cookie: `session=${canary}`,
      'X-Api-Key': canary,
      'User-Agent': canary,
      traceparent: canary,
      Referer: `https://app.example.com/?token=${canary}`,
    };
    await ask(stage, `/api/v1/posts?${secrets}&do=cookies`, { headers });
    await ask(stage, `/nowhere?${secrets}`, { headers: { ...headers, 'X-Request-Id': 'log-secrets-2' } });
    await ask(stage, `/api/v1/posts/a%2fb?${secrets}`, {
      headers: { ...headers, 'X-Request-Id': 'log-secrets-3' },
    });
    await ask(stage, `/x?${secrets}`, {
      plain: true,
      headers: { ...headers, 'X-Request-Id': 'log-secrets-4' },
    });
    const socket = new WebSocket(`${stage.gateway.url.replace('https', 'wss')}/ws?ticket=${canary}`, {
      ca: stage.certificate,
      headers: { ...headers, 'X-Request-Id': 'log-secrets-5' },
    });
    await new Promise((resolve) => socket.once('open', resolve));
    socket.close();

    for (const number of [1, 2, 3, 4, 5]) await lineOf(`log-secrets-${number}`);
    const logs = [stage.gateway.accessLogFile, stage.gateway.logFile].map((file) =>
      fs.readFileSync(file, 'utf8'),
    );
    expect(logs.join('')).not.toContain('canary');
  });
});

describe('the metrics', () => {
  it('count requests by router and service on the internal port, without paths or clients', async () => {
    await ask(stage, '/api/v1/feed?canary-metrics=1');
    // An instance's state is known after its first health check.
    const up = /traefik_service_server_up\{service="posts-1@file"[^}]*\} 1/;
    const text = await waitFor(async () => {
      const response = await fetch(`${stage.gateway.internalUrl}/metrics`);
      const metrics = await response.text();
      return up.test(metrics) && metrics;
    });

    expect(text).toMatch(/traefik_router_requests_total\{[^}]*router="posts@file"[^}]*\} \d/);
    expect(text).toMatch(/traefik_service_request_duration_seconds_bucket\{/);
    expect(text).not.toContain('canary');
  });
});

describe('trace context', () => {
  it('passes unchanged when the gateway itself does not trace', async () => {
    const { json } = await ask(stage, '/api/v1/posts', { headers: { traceparent, tracestate: 'vendor=1' } });
    const bare = await ask(stage, '/api/v1/posts');

    expect(json.headers).toMatchObject({ traceparent, tracestate: 'vendor=1' });
    expect(bare.json.headers).not.toHaveProperty('traceparent');
  });

  it('is continued, sampled and exported when an OTLP endpoint is given', async () => {
    const collector = await startCollector();
    const traced = await setStage({ otlpEndpoint: collector.url, samplingRate: 0 });
    try {
      const sampled = await ask(traced, '/api/v1/posts?ticket=canary', { headers: { traceparent } });
      const unsampled = await ask(traced, '/api/v1/posts', {
        headers: { traceparent: `${traceparent.slice(0, -1)}0` },
      });
      const fresh = await ask(traced, '/api/v1/posts', { headers: { 'X-Request-Id': 'traced-fresh-1' } });
      const spanId = parentOf(sampled).slice(36, 52);

      expect(parentOf(sampled)).toMatch(new RegExp(`^00-${traceId}-[0-9a-f]{16}-01$`));
      expect(spanId).not.toBe(traceparent.slice(36, 52));
      expect(parentOf(unsampled)).toMatch(new RegExp(`^00-${traceId}-[0-9a-f]{16}-00$`));
      // No decision came with it: the ratio decides, and it is 0 here.
      expect(parentOf(fresh)).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/);
      expect(await lineOf('traced-fresh-1', traced)).toMatchObject({ TraceId: parentOf(fresh).slice(3, 35) });

      await traced.gateway.stop();
      const exported = collector.received();
      expect(exported.includes(Buffer.from(traceId, 'hex'))).toBe(true);
      expect(exported.includes(Buffer.from(spanId, 'hex'))).toBe(true);
      expect(exported.includes(Buffer.from(parentOf(unsampled).slice(36, 52), 'hex'))).toBe(false);
      expect(exported.includes('gateway')).toBe(true);
      expect(exported.includes('canary')).toBe(false);
    } finally {
      await traced.close();
      await collector.stop();
    }
  });
});

function parentOf({ json }: { json: Record<string, unknown> }): string {
  return values({ rawHeaders: json.rawHeaders as string[] }, 'traceparent').join();
}

/** Takes what is exported to it; an id is found in it by its bytes. */
async function startCollector() {
  const bodies: Buffer[] = [];
  const server = http.createServer(async (request, response) => {
    const body = Buffer.concat((await request.toArray()) as Buffer[]);
    if (request.url === '/v1/traces')
      bodies.push(request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body);
    response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received: () => Buffer.concat(bodies),
    stop: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}
