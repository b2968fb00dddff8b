import { messageErrors, type MessageErrorCode } from '@rostrum/contracts';

/** Thrown by the handler of a message: the client gets an `error` with the message's id, and the socket stays open. */
export class MessageRefusal extends Error {
  override readonly name = 'MessageRefusal';

  constructor(readonly code: MessageErrorCode) {
    super(messageErrors[code]);
  }
}
