import type { ClientMessage } from '@rostrum/contracts';
import type { TracedWork, Tracing } from '@rostrum/observability';
import type { SocketEvents } from '../business-events';
import { readMessage } from './client-messages';
import type { Connection } from './connection';
import { frameOf } from './frame';

const explanations = {
  UNKNOWN_TYPE: 'This server knows no such type of message',
  INVALID_MESSAGE: 'The message is not as its type asks',
} as const;

/** Reads what clients send and sees to it that each message is answered, measured and traced. */
export class MessageRouter {
  constructor(
    private readonly tracing: Pick<Tracing, 'runWork'>,
    private readonly events: Pick<SocketEvents, 'messageReceived'>,
  ) {}

  receive(connection: Connection, data: Buffer, isBinary: boolean): void {
    const incoming = readMessage(data, isBinary);
    if (incoming.kind === 'message') {
      this.handle(connection, incoming.message);
      return;
    }
    this.events.messageReceived('invalid');
    if (incoming.kind === 'garbage') {
      connection.close('invalid_message');
      return;
    }
    const { id, code } = incoming;
    connection.send(frameOf({ type: 'error', id, code, message: explanations[code] }));
  }

  /** Each message begins a trace of its own, linked to its socket's: that lives longer than any trace should. */
  private handle(connection: Connection, message: ClientMessage): void {
    this.events.messageReceived(message.type);
    const work: TracedWork = {
      name: `ws ${message.type}`,
      requestId: connection.id,
      traceparent: connection.traceparent,
      relation: 'link',
      attributes: { 'network.protocol.name': 'websocket', 'rostrum.connection.id': connection.id },
    };
    this.tracing.runWork(work, (context) => {
      context.userId = connection.user.userId;
      context.endpoint = `WS ${message.type}`;
      answer(connection, message);
    });
  }
}

function answer(connection: Connection, message: ClientMessage): void {
  switch (message.type) {
    case 'ping':
      connection.send(frameOf({ type: 'pong', id: message.id }));
      return;
  }
}
