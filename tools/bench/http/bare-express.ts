import type { AddressInfo } from 'node:net';
import express from 'express';
import { answer } from './answer';

const app = express();
app.get('/api/v1/posts/:id', (_request, response) => {
  response.json(answer);
});
const server = app.listen(0, '127.0.0.1', () => {
  process.stdout.write(`listening ${(server.address() as AddressInfo).port}\n`);
});
