import { once } from 'node:events';
import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { waitFor } from '@rostrum/testing';
import { rawRequest } from './raw-request';
import { startTestService, type TestService } from './test-service';

let running: TestService;

beforeAll(async () => {
  running = await startTestService();
});
afterAll(() => running.service.stop('the tests are over'));

const text = 'Ære 👩‍👩‍👧‍👦 \u2028';
const body = JSON.stringify({ text });

const send = (path: string, method: string, init: RequestInit) =>
  fetch(running.url + path, { method, ...init });

const metrics = async () => (await fetch(`${running.opsUrl}/metrics`)).text();

const head = (length: number) =>
  `POST /api/v1/items HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n\r\n`;

it.each<[string, string | Buffer, Record<string, string>]>([
  ['as it is', body, { 'content-type': 'application/json' }],
  ['with its charset', body, { 'content-type': 'application/json; charset=utf-8' }],
  ['with its charset, in other letters', body, { 'content-type': 'Application/JSON;charset="UTF-8"' }],
  ['with a byte order mark', `\ufeff${body}`, { 'content-type': 'application/json' }],
  ['with white space around it', ` \r\n\t${body}\n`, { 'content-type': 'application/json' }],
  ['compressed', gzipSync(body), { 'content-type': 'application/json', 'content-encoding': 'gzip' }],
])('a body is read that comes %s', async (_, sent, headers) => {
  const response = await send('/api/v1/items', 'POST', { body: sent, headers });
  expect([response.status, await response.json()]).toEqual([201, { id: 'a', text }]);
});

it('a body is read whose length is not said', async () => {
  const stream = new Blob([body]).stream();
  const headers = { 'content-type': 'application/json' };
  const response = await send('/api/v1/items', 'POST', { body: stream, headers, duplex: 'half' });
  expect([response.status, await response.json()]).toEqual([201, { id: 'a', text }]);
});

it('a body is read that comes in many pieces, wherever they are cut', async () => {
  const data = `${text}${'é'.repeat(2_000_000)}`;
  const headers = { 'content-type': 'application/json' };
  const response = await send('/api/v1/upload', 'PUT', { body: JSON.stringify({ data }), headers });
  expect(response.status).toBe(204);
});

it('the next request on a connection begins where the body ends', async () => {
  const one = head(Buffer.byteLength(body)) + body;
  const last = one.replace('Host: a', 'Host: a\r\nConnection: close');
  const answer = await rawRequest(running.port, one + one + last);
  expect(answer.match(/HTTP\/1\.1 201/g)).toHaveLength(3);
});

it('a body of exactly the limit is read, one more byte is not', async () => {
  const padded = (bytes: number) => body + ' '.repeat(bytes - Buffer.byteLength(body));
  const headers = { 'content-type': 'application/json' };
  const fits = await send('/api/v1/items', 'POST', { body: padded(1024), headers });
  const exceeds = await send('/api/v1/items', 'POST', { body: padded(1025), headers });
  expect([fits.status, exceeds.status]).toEqual([201, 413]);
});

it('a client that goes away in the middle of its body is noticed', async () => {
  const socket = connect(running.port, '127.0.0.1');
  socket.write(head(100).replace('Host: a', 'Host: a\r\nExpect: 100-continue') + body);
  const [continued] = (await once(socket, 'data')) as [Buffer];
  expect(continued.toString()).toContain('100 Continue');
  expect(await metrics()).not.toContain('INCOMPLETE_BODY');
  socket.destroy();
  await waitFor(async () => (await metrics()).includes('INCOMPLETE_BODY'), {
    what: 'the end of the request',
  });
});
