/** Compiled, never run: what the compiler must refuse. */
import type { RouteBinder } from '../src/index';
import { createItem, getItem, upload } from './test-service';

export function refused(binder: RouteBinder): void {
  binder.bind(getItem, ({ user }) => ({ status: 200, body: { id: user.userId, text: 'a' } }));
  // @ts-expect-error -- a field is missing
  binder.bind(getItem, () => ({ status: 200, body: { id: 'a' } }));
  // @ts-expect-error -- the contract has no such status
  binder.bind(getItem, () => ({ status: 201, body: { id: 'a', text: 'a' } }));
  // @ts-expect-error -- a 204 has no body
  binder.bind(upload, () => ({ status: 204, body: {} }));
  // @ts-expect-error -- nobody is signed in on a route without authentication
  binder.bind(createItem, ({ user }) => ({ status: 201, body: { id: user.userId, text: 'a' } }));
  // @ts-expect-error -- the body has no such field
  binder.bind(createItem, ({ body }) => ({ status: 201, body: { id: body.id, text: 'a' } }));
}
