import {
  messageErrors,
  type ClientMessage,
  type MessageErrorCode,
  type ServerMessage,
} from '@rostrum/contracts';
import { isAppError } from '@rostrum/errors';
import type { TracedWork, Tracing } from '@rostrum/observability';
import type { SocketEvents } from '../business-events';
import { readMessage } from './client-messages';
import type { Connection } from './connection';
import { frameOf } from './frame';
import { MessageRefusal } from './message-refusal';

export type MessageType = ClientMessage['type'];
export type MessageOf<Type extends MessageType> = Extract<ClientMessage, { type: Type }>;

/** From a handler that has told the client itself, since more had to follow at once. */
export const answered: unique symbol = Symbol('answered');

/** What the client is told: a message of its own, or, where it gave an id, `ok`. */
export type Answer = ServerMessage | typeof answered | undefined;

/** Throws a `MessageRefusal` where the message is not to be done. */
export type MessageHandler<Type extends MessageType> = (
  connection: Connection,
  message: MessageOf<Type>,
) => Answer | Promise<Answer>;

export type MessageHandlers = { readonly [Type in MessageType]?: MessageHandler<Type> };

const ping: MessageHandler<'ping'> = () => ({ type: 'pong' });

/** Reads what clients send and sees to it that each message is answered, measured and traced. */
export class MessageRouter {
  private readonly handlers: MessageHandlers;

  constructor(
    private readonly tracing: Pick<Tracing, 'runWork'>,
    private readonly events: Pick<SocketEvents, 'messageReceived' | 'messageFailed'>,
    handlers: MessageHandlers = {},
  ) {
    this.handlers = { ping, ...handlers };
  }

  receive(connection: Connection, data: Buffer, isBinary: boolean): void {
    const incoming = readMessage(data, isBinary);
    if (incoming.kind === 'message') {
      this.handle(connection, incoming.message);
      return;
    }
    this.events.messageReceived('invalid');
    if (incoming.kind === 'garbage') connection.close('invalid_message');
    else refuse(connection, incoming.id, incoming.code);
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
    try {
      const answer = this.tracing.runWork(work, (context) => {
        context.userId = connection.user.userId;
        context.endpoint = `WS ${message.type}`;
        return this.ask(connection, message);
      });
      if (answer instanceof Promise) {
        answer.then(
          (late) => reply(connection, message, late),
          (error: unknown) => this.fail(connection, message, error),
        );
      } else {
        reply(connection, message, answer);
      }
    } catch (error) {
      this.fail(connection, message, error);
    }
  }

  private ask(connection: Connection, message: ClientMessage): Answer | Promise<Answer> {
    // The compiler cannot see that the handler under a type takes the messages of that type.
    const handler = this.handlers[message.type] as MessageHandler<MessageType> | undefined;
    if (!handler) throw new MessageRefusal('UNKNOWN_TYPE');
    return handler(connection, message);
  }

  private fail(connection: Connection, { id, type }: ClientMessage, error: unknown): void {
    if (error instanceof MessageRefusal) {
      refuse(connection, id, error.code);
      return;
    }
    const isOutage = isAppError(error) && error.status === 503;
    this.events.messageFailed(type, error, isOutage);
    refuse(connection, id, isOutage ? 'UNAVAILABLE' : 'INTERNAL_ERROR');
  }
}

function reply(connection: Connection, { id }: ClientMessage, answer: Answer): void {
  if (answer === answered) return;
  if (answer) connection.send(frameOf(answer, id));
  else if (id !== undefined) connection.send(frameOf({ type: 'ok', id }));
}

function refuse(connection: Connection, id: string | undefined, code: MessageErrorCode): void {
  connection.send(frameOf({ type: 'error', id, code, message: messageErrors[code] }));
}
