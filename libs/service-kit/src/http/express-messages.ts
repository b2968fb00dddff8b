import { IncomingMessage, ServerResponse } from 'node:http';
import type { Express } from 'express';

type Constructor<T> = new (...args: never[]) => T;

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

/** Node's own classes are functions, so that they can be called on an object made elsewhere. */
function bornAs<Base extends typeof IncomingMessage | typeof ServerResponse>(
  base: Base,
  prototype: object,
): Base {
  function Message(this: object, ...args: unknown[]): void {
    (base as unknown as { call(target: object, ...rest: unknown[]): void }).call(this, ...args);
  }
  Message.prototype = prototype;
  return Message as unknown as Base & Constructor<InstanceType<Base>>;
}
