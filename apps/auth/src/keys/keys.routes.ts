import { jwksRoute } from '@rostrum/contracts';
import type { RouteBinder } from '@rostrum/service-kit';
import type { SigningKeys } from './signing-keys';

export interface KeysFeature {
  keys: Pick<SigningKeys, 'published'>;
  /** How long verifiers and caches may keep the set: a new key is published for twice as long before it signs. */
  maxAgeSeconds: number;
}

export function keysRoutes(binder: RouteBinder, { keys, maxAgeSeconds }: KeysFeature): void {
  const headers = ['Cache-Control', `public, max-age=${maxAgeSeconds}`];
  binder.bind(jwksRoute, () => ({ status: 200, raw: keys.published().body, headers }));
}
