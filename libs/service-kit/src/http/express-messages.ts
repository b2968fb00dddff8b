import { IncomingMessage, ServerResponse } from 'node:http';
import type { Express } from 'express';

/**
 * Classes for `http.createServer` whose instances are Express requests and responses from the start. Express changes
 * the prototype of both on every request; where they have it already that costs nothing, and V8 keeps what it knows
 * of their shape.
 */
export function expressMessages(app: Express) {
  return {
    IncomingMessage: bornAs(IncomingMessage, app.request),
    ServerResponse: bornAs(ServerResponse, app.response),
  };
}

/** Node's own classes are functions, so that they can be called on an object made elsewhere; both take two arguments. */
function bornAs<Base extends typeof IncomingMessage | typeof ServerResponse>(
  base: Base,
  prototype: object,
): Base {
  const initialise = base as unknown as { call(target: object, first: unknown, second: unknown): void };
  function Message(this: object, first: unknown, second: unknown): void {
    initialise.call(this, first, second);
  }
  Message.prototype = prototype;
  return Message as unknown as Base;
}
