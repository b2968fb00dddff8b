/** The sockets of this service without what is around them: its connections and the clock that writes to them. */
import { randomUUID } from 'node:crypto';
import http from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { SocketEvents } from '../src/business-events';
import { Connection } from '../src/sockets/connection';
import { Connections } from '../src/sockets/connections';
import { frameOfText } from '../src/sockets/frame';
import { Outflow } from '../src/sockets/outflow';
import { createWebSocketServer } from '../src/sockets/web-socket-server';
import { eventText, memoryOrders, takeOrders, type BroadcastOrder } from './orders';

const server = http.createServer();
const webSockets = createWebSocketServer({ compression: false });
const connections = new Connections();
const shared = {
  // Nothing else is asked for while nobody says anything.
  events: { connectionClosed: ignore, messagesSent: ignore } as unknown as SocketEvents,
  outflow: new Outflow({ onSent: ignore }),
  rate: { perSecond: 50, burst: 100 },
  maxQueueBytes: 262_144,
  maxQueueAgeMs: 60_000,
  heartbeatSeconds: 12,
  onMessage: ignore,
  onAlive: ignore,
  onEnd: (connection: Connection) => void connections.remove(connection),
};

server.on('upgrade', (request, socket, head) => {
  webSockets.handleUpgrade(request, socket, head, (webSocket) => {
    const user = {
      ...{ userId: randomUUID(), sessionId: randomUUID(), username: 'someone', roles: ['user'] },
      ...{ keyId: 'key', issuedAt: 0, expiresAt: Number.MAX_SAFE_INTEGER },
    };
    const visitor = { user, address: '127.0.0.1', traceparent: randomUUID() };
    connections.add(new Connection({ webSocket, socket: socket as Socket }, visitor, shared));
  });
});

function send(): void {
  const frame = frameOfText('event', eventText());
  for (const connection of connections) connection.send(frame);
}

takeOrders({
  ...memoryOrders,
  broadcast: ({ burst }: BroadcastOrder) => {
    for (let i = 0; i < burst; i += 1) send();
  },
});
server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }));

function ignore(): void {
  // The benchmark counts by itself.
}
