import { createRemoteJWKSet, jwtVerify } from 'jose';
import { recordingLogger, startOtlpCollector, testTokens } from '../src';

const attribute = (key: string, value: object) => ({ key, value });

it('collects the spans that an OTLP exporter sends', async () => {
  const collector = await startOtlpCollector();
  const span = {
    traceId: 'a'.repeat(32),
    spanId: 'b'.repeat(16),
    parentSpanId: '',
    name: 'GET /things',
    kind: 2,
    attributes: [
      attribute('http.response.status_code', { intValue: '200' }),
      attribute('ok', { boolValue: true }),
    ],
    events: [{ name: 'exception', attributes: [attribute('exception.type', { stringValue: 'Error' })] }],
    status: { code: 2 },
  };
  const child = { ...span, spanId: 'c'.repeat(16), parentSpanId: span.spanId, name: 'select', kind: 3 };
  const resource = { attributes: [attribute('service.name', { stringValue: 'posts' })] };
  const body = JSON.stringify({ resourceSpans: [{ resource, scopeSpans: [{ spans: [span, child] }] }] });
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(`${collector.url}/v1/traces`, { method: 'POST', headers, body });
  expect(response.status).toBe(200);
  const [first, second] = await collector.waitForTrace(span.traceId, (spans) => spans.length === 2);
  expect(first).toMatchObject({
    service: 'posts',
    name: 'GET /things',
    parentSpanId: undefined,
    kind: 2,
    attributes: { 'http.response.status_code': 200, ok: true },
    events: [{ name: 'exception', attributes: { 'exception.type': 'Error' } }],
    status: 2,
  });
  expect(second).toMatchObject({ parentSpanId: span.spanId });
  expect(collector.text()).toContain('GET /things');
  collector.clear();
  expect(collector.spans()).toEqual([]);
  await collector.close();
});

it('records what the real logger writes', async () => {
  const recording = recordingLogger();
  recording.logger.warn('Something happened', { count: 3 });
  expect(recording.lines()).toEqual([
    expect.objectContaining({ level: 'warn', message: 'Something happened', count: 3 }),
  ]);
  await recording.close();
});

it('signs tokens that its key set verifies', async () => {
  const tokens = await testTokens();
  const keys = createRemoteJWKSet(new URL(tokens.jwksUrl));
  const expected = { issuer: tokens.issuer, audience: tokens.audience, typ: 'at+jwt', algorithms: ['RS256'] };
  const userId = '00000000-0000-4000-8000-000000000001';
  const { payload } = await jwtVerify(await tokens.sign({ userId, roles: ['moderator'] }), keys, expected);
  expect(payload).toMatchObject({ sub: userId, roles: ['moderator'], preferred_username: 'tester' });
  expect(tokens.jwksRequests()).toBe(1);
  await expect(jwtVerify(await tokens.sign({ ttlSeconds: -60 }), keys, expected)).rejects.toMatchObject({
    code: 'ERR_JWT_EXPIRED',
  });
  const other = await tokens.sign({ claims: { aud: 'another' }, header: { typ: 'JWT' } });
  await expect(jwtVerify(other, keys, expected)).rejects.toThrow();
  expect((await tokens.headers()).authorization).toMatch(/^Bearer eyJ/);
  await tokens.close();
});
