import type { AddressInfo } from 'node:net';
import express from 'express';

/** A bare Express route that answers what `GET /me` answers. */
const body: unknown = JSON.parse(process.env['BENCH_BODY'] ?? '{}');
const app = express();
app.get('/api/v1/auth/me', (_request, response) => {
  response.json(body);
});
const server = app.listen(0, '127.0.0.1', () => {
  process.stdout.write(`listening ${(server.address() as AddressInfo).port}\n`);
});
