import type { AccessClaims } from '@rostrum/security';
import type { Person } from './profile';

/** The caller, as their token names them. */
export function personOf({ userId, username }: AccessClaims): Person {
  return { id: userId, username };
}
