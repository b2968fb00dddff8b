import type { AddressInfo } from 'node:net';
import express from 'express';
import { answer } from './answer';

/** Express with what costs most turned off: the harder floor. */
const app = express();
app.set('etag', false).set('x-powered-by', false).set('query parser', 'simple');
app.get('/api/v1/posts/:id', (_request, response) => {
  const body = JSON.stringify(answer);
  response.writeHead(200, {
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Length': Buffer.byteLength(body),
  });
  response.end(body);
});
const server = app.listen(0, '127.0.0.1', () => {
  process.stdout.write(`listening ${(server.address() as AddressInfo).port}\n`);
});
