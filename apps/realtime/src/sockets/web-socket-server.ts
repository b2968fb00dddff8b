import { webSocketProtocol } from '@rostrum/contracts';
import { WebSocketServer } from 'ws';
import { LiveSocket } from './connection';

/** The largest message of a client; the largest of the protocol is far below. */
export const maxPayloadBytes = 16 * 1024;

/** No context is kept between messages: that would be some 300 kB for each socket. */
const deflate = {
  serverNoContextTakeover: true,
  clientNoContextTakeover: true,
  threshold: 512,
  concurrencyLimit: 4,
};

/** Not in the types of `ws`: how long it waits for the client's half of a close. */
const closeTimeout = { closeTimeout: 5000 };

export interface WebSocketServerOptions {
  /** Whether clients that offer permessage-deflate get it. */
  compression: boolean;
}

/** What completes handshakes and reads frames, with limits on what a client may send. */
export function createWebSocketServer({ compression }: WebSocketServerOptions) {
  return new WebSocketServer({
    noServer: true,
    clientTracking: false,
    // A connection answers pings itself, within its limits.
    autoPong: false,
    perMessageDeflate: compression && deflate,
    maxPayload: maxPayloadBytes,
    maxFragments: 64,
    maxBufferedChunks: 1024,
    WebSocket: LiveSocket,
    handleProtocols: () => webSocketProtocol,
    ...closeTimeout,
  });
}
