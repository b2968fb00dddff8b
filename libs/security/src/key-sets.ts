import { createLocalJWKSet, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose';
import { RemoteKeys, type RemoteKeysOptions } from './remote-keys';

/** Finds the key that a token names. */
export type KeySet = JWTVerifyGetKey;

/** Keys that another service publishes. */
export interface RemoteKeySet extends KeySet {
  /** Fetches the keys now: they are known to have changed. Rejects where that does not work. */
  reload(): Promise<void>;
}

/** Keys published by the auth service. */
export function remoteKeySet(url: string, options: RemoteKeysOptions = {}): RemoteKeySet {
  const keys = new RemoteKeys(url, options);
  const find: KeySet = (header) => keys.find(header.kid);
  return Object.assign(find, { reload: () => keys.reload() });
}

/** Keys that are at hand. */
export function localKeySet(keys: JSONWebKeySet): KeySet {
  return createLocalJWKSet(keys);
}
