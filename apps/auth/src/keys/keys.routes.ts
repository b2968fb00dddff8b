import { jwksRoute } from '@rostrum/contracts';
import type { AccessTokenSigner } from '@rostrum/security';
import type { RouteBinder } from '@rostrum/service-kit';

/** How long verifiers and caches may keep the set: a new key must be published for longer than this before it signs. */
const maxAgeSeconds = 300;

export function keysRoutes(binder: RouteBinder, keys: readonly AccessTokenSigner['publicJwk'][]): void {
  const reply = {
    status: 200 as const,
    raw: JSON.stringify({ keys }),
    headers: ['Cache-Control', `public, max-age=${maxAgeSeconds}`],
  };
  binder.bind(jwksRoute, () => reply);
}
