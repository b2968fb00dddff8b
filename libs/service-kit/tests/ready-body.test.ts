import { once } from 'node:events';
import { connect } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { defineRoute } from '@rostrum/contracts';
import { z } from 'zod';
import { ReadyBody } from '../src/index';
import { rawRequest } from './raw-request';
import { readyText, startTestService, type TestService } from './test-service';

const route = defineRoute({
  tags: ['test'],
  summary: 'Answers with a body that is kept',
  method: 'get',
  path: '/api/v1/kept/:size',
  operationId: 'getKept',
  auth: 'none',
  params: z.strictObject({ size: z.enum(['small', 'large', 'long-head']) }),
  responses: { 200: { description: 'It', schema: z.object({ text: z.string() }) } },
});

const textOf = (times: number) => JSON.stringify({ text: readyText.repeat(times) });
const small = textOf(3);
/** More than the system takes from a process whose client does not read. */
const large = textOf(400_000);
const longHeader = 'x'.repeat(4_000);

let running: TestService;

beforeAll(async () => {
  const bodies = { small: new ReadyBody(small), large: new ReadyBody(large) };
  running = await startTestService({
    routes: (binder) =>
      binder.bind(route, ({ params: { size } }) =>
        size === 'long-head'
          ? { status: 200, raw: bodies.small, headers: ['X-Long', longHeader] }
          : { status: 200, raw: bodies[size] },
      ),
  });
});
afterAll(() => running.service.stop('the tests are over'));

const ask = (size: string, init: RequestInit = {}) => fetch(`${running.url}/api/v1/kept/${size}`, init);
const request = (size: string, id: string, connection = 'keep-alive') =>
  `GET /api/v1/kept/${size} HTTP/1.1\r\nHost: x\r\nConnection: ${connection}\r\nX-Request-Id: ${id}\r\n\r\n`;
const idsIn = (answers: string) => [...answers.matchAll(/X-Request-Id: (\S+)/g)].map(([, id]) => id);

it('is sent again and again, each time under a head of its own', async () => {
  for (const id of ['the-first', 'the-second-one']) {
    const response = await ask('small', { headers: { 'x-request-id': id } });
    expect(response.headers.get('x-request-id')).toBe(id);
    expect(response.headers.get('content-length')).toBe(String(Buffer.byteLength(small)));
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    expect(await response.text()).toBe(small);
  }
});

it('can be read as the text that it was made of', () => {
  expect(String(new ReadyBody(small))).toBe(small);
});

it('has a head and no body where only that is asked for', async () => {
  const response = await ask('small', { method: 'HEAD' });
  expect(response.headers.get('content-length')).toBe(String(Buffer.byteLength(small)));
  expect(await response.text()).toBe('');
});

it('goes after a head that it has no room for', async () => {
  const response = await ask('long-head');
  expect(response.headers.get('x-long')).toBe(longHeader);
  expect(await response.text()).toBe(small);
});

it('is sent to who asks for several at once, in order', async () => {
  const first = request('small', 'one-at-once') + request('small', 'two-at-once');
  const answers = await rawRequest(running.port, first + request('small', 'the-last-one', 'close'));
  expect(idsIn(answers)).toEqual(['one-at-once', 'two-at-once', 'the-last-one']);
});

it('is not changed for who is slow to read by who asks after them', async () => {
  const slow = connect(running.port, '127.0.0.1');
  slow.write(request('large', 'slow-one') + request('large', 'slow-two', 'close'));
  await once(slow, 'readable');
  const response = await ask('large', { headers: { 'x-request-id': 'quick-one' } });
  expect(await response.text()).toBe(large);
  const answers = await buffer(slow);
  expect(idsIn(answers.toString('latin1'))).toEqual(['slow-one', 'slow-two']);
  const bodies = answers.toString().split(/HTTP\/1.1 [^]*?\r\n\r\n/);
  expect(bodies.map((body) => body === large)).toEqual([false, true, true]);
});
