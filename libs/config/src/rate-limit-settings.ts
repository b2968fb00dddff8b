import { createPublicKey } from 'node:crypto';
import { z } from 'zod';
import { integer, list } from './formats';
import { network } from './networks';
import { setting } from './setting';

const requests = () => integer(1, 1_000_000_000);
const windowSeconds = () => integer(1, 86_400);

/** How much is admitted. Figures are the milestone's production profile. */
export const rateLimitSettings = {
  rateLimitApiRequests: setting(requests().default(100), {
    env: 'RATE_LIMIT_API_REQUESTS',
    doc: 'requests of a user, or of an address without one, per window',
  }),
  rateLimitApiWindowSeconds: setting(windowSeconds().default(60), {
    env: 'RATE_LIMIT_API_WINDOW_SECONDS',
    doc: 'the window of these',
  }),
  rateLimitAuthRequests: setting(requests().default(5), {
    env: 'RATE_LIMIT_AUTH_REQUESTS',
    doc: 'requests of an address per window to where credentials are tried or made',
  }),
  rateLimitAuthWindowSeconds: setting(windowSeconds().default(60), {
    env: 'RATE_LIMIT_AUTH_WINDOW_SECONDS',
    doc: 'the window of these',
  }),
  rateLimitInstances: setting(integer(1, 10_000).default(1), {
    env: 'RATE_LIMIT_INSTANCES',
    doc: 'instances of this service; while Redis is away, each admits its part of the limit on credentials',
  }),
  rateLimitRedisTimeoutMs: setting(integer(1, 10_000).default(100), {
    env: 'RATE_LIMIT_REDIS_TIMEOUT_MS',
    doc: 'how long Redis may take to decide; then each process decides for itself until Redis answers again',
  }),
  rateLimitInternalNetworks: setting(list(network()).default([]), {
    env: 'RATE_LIMIT_INTERNAL_NETWORKS',
    doc: 'addresses or networks whose processes have no limits when they call directly, past any proxy',
  }),
  rateLimitIdentityKey: setting(ed25519PublicKey().optional(), {
    env: 'RATE_LIMIT_IDENTITY_KEY',
    doc: 'the public key of callers with limits of their own (load tests, internal processes), Ed25519 in PEM',
    // Whoever names the private one by mistake must not find it in a log.
    secret: true,
  }),
};

function ed25519PublicKey() {
  return z.string().refine(isEd25519PublicKey, 'must be the public key of an Ed25519 pair, in PEM');
}

function isEd25519PublicKey(text: string): boolean {
  try {
    // Node makes a public key of a private one too; that one has no business in a service.
    return !text.includes('PRIVATE') && createPublicKey(text).asymmetricKeyType === 'ed25519';
  } catch {
    return false;
  }
}
