import { createLocalJWKSet, createRemoteJWKSet, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose';

/** Finds the key that a token names. */
export type KeySet = JWTVerifyGetKey;

/** Keys published by the auth service: an unknown key id asks it again, at most once a cooldown. */
export function remoteKeySet(url: string): KeySet {
  return createRemoteJWKSet(new URL(url), {
    cooldownDuration: 10_000,
    cacheMaxAge: 600_000,
    timeoutDuration: 2000,
  });
}

/** Keys that are at hand. */
export function localKeySet(keys: JSONWebKeySet): KeySet {
  return createLocalJWKSet(keys);
}
