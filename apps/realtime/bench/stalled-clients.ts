/** Clients that read, and then do not any more: whoever has been cut off comes back, and does not read either. */
import { once } from 'node:events';
import { webSocketProtocol } from '@rostrum/contracts';
import { WebSocket } from 'ws';
import { takeOrders } from './orders';
import { addressOf } from './own-addresses';

interface OpenOrder {
  port: number;
  tokens: string[];
}

const atOnce = 20;
const hello = JSON.stringify({ type: 'subscribe', channel: 'user:me' });

let order: OpenOrder;
let sockets: WebSocket[] = [];
let read = 0;

async function connect(client: number): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${order.port}/ws`, [webSocketProtocol], {
    headers: { authorization: `Bearer ${order.tokens[client]}` },
    localAddress: addressOf(client),
    perMessageDeflate: false,
  });
  socket.on('error', () => undefined);
  socket.on('message', () => (read += 1));
  await once(socket, 'open');
  socket.send(hello);
  await once(socket, 'message');
  return socket;
}

async function connectAll(): Promise<void> {
  sockets = [];
  for (let start = 0; start < order.tokens.length; start += atOnce) {
    const some = order.tokens.slice(start, start + atOnce).map((_, i) => connect(start + i));
    sockets.push(...(await Promise.all(some)));
  }
}

takeOrders({
  open: async (wanted: OpenOrder) => {
    order = wanted;
    await connectAll();
  },
  read: () => ({ read }),
  stall: () => {
    for (const socket of sockets) socket.pause();
  },
  comeBack: async () => {
    for (const socket of sockets) socket.terminate();
    await connectAll();
  },
});
