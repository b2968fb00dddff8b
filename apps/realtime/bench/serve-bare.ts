/** The floor: `ws` and nothing else, and one prepared frame that is written to every connection. */
import http from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { WebSocketServer } from 'ws';
import { frameOfText } from '../src/sockets/frame';
import { eventText, memoryOrders, takeOrders, type BroadcastOrder } from './orders';

const server = http.createServer();
const webSockets = new WebSocketServer({ noServer: true, clientTracking: false, perMessageDeflate: false });
const sockets: Socket[] = [];

server.on('upgrade', (request, socket, head) => {
  webSockets.handleUpgrade(request, socket, head, (webSocket) => {
    webSocket.on('message', ignore);
    sockets.push(socket as Socket);
  });
});

function send(): void {
  const { wire } = frameOfText('event', eventText());
  for (const socket of sockets) socket.write(wire);
}

takeOrders({
  ...memoryOrders,
  broadcast: ({ burst }: BroadcastOrder) => {
    for (let i = 0; i < burst; i += 1) send();
  },
});
server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }));

function ignore(): void {
  // Nobody says anything.
}
