import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { answer } from './answer';

const server = createServer((_request, response) => {
  const body = JSON.stringify(answer);
  response.writeHead(200, {
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Length': Buffer.byteLength(body),
  });
  response.end(body);
});
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`listening ${(server.address() as AddressInfo).port}\n`);
});
