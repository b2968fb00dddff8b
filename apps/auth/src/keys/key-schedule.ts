import type { JWK } from 'jose';

/** A signing key without its private half. */
export interface KnownKey {
  kid: string;
  publicJwk: JWK;
  createdAt: Date;
  /** Null: published, and waits to be the next one. */
  signsFrom: Date | null;
  revokedAt: Date | null;
}

export type KeyState = 'waiting' | 'scheduled' | 'signing' | 'verifying' | 'retired' | 'revoked';

export interface KeyTimes {
  /** For how long verifiers and caches may keep the published keys. */
  maxAgeMs: number;
  /** For how long a token is good. */
  tokenMs: number;
}

/** What clocks and the last tokens in flight may differ by. */
const marginMs = 60_000;

/** A key signs only when all who verify must have seen it twice over. */
export function readyAt({ createdAt }: KnownKey, { maxAgeMs }: KeyTimes): number {
  return createdAt.getTime() + 2 * maxAgeMs;
}

/** The key that signs at a moment; undefined where there is none. */
export function signingKeyAt<Key extends KnownKey>(keys: readonly Key[], now: number): Key | undefined {
  return inTurn(keys)
    .filter(({ signsFrom }) => signsFrom.getTime() <= now)
    .at(-1);
}

export function waitingKey<Key extends KnownKey>(keys: readonly Key[]): Key | undefined {
  return keys.find(({ signsFrom, revokedAt }) => signsFrom === null && revokedAt === null);
}

/** The key whose turn is settled and has not come. */
export function scheduledKey<Key extends KnownKey>(keys: readonly Key[], now: number): Key | undefined {
  return inTurn(keys).find(({ signsFrom }) => signsFrom.getTime() > now);
}

/** When the key ceased to sign because another one did; undefined while it has not. */
export function replacedAt(key: KnownKey, keys: readonly KnownKey[], now: number): number | undefined {
  const { signsFrom } = key;
  if (signsFrom === null) return undefined;
  const next = inTurn(keys).find((other) => other.signsFrom.getTime() > signsFrom.getTime());
  return next && next.signsFrom.getTime() <= now ? next.signsFrom.getTime() : undefined;
}

export function stateOf(key: KnownKey, keys: readonly KnownKey[], { now, times }: Moment): KeyState {
  if (key.revokedAt) return 'revoked';
  if (key.signsFrom === null) return 'waiting';
  if (key.signsFrom.getTime() > now) return 'scheduled';
  const ended = replacedAt(key, keys, now);
  if (ended === undefined) return 'signing';
  return now < ended + times.tokenMs + marginMs ? 'verifying' : 'retired';
}

export interface Moment {
  now: number;
  times: KeyTimes;
}

/** The keys by which tokens are to be verified. */
export function publishedKeys<Key extends KnownKey>(keys: readonly Key[], moment: Moment): Key[] {
  return keys.filter((key) => !['retired', 'revoked'].includes(stateOf(key, keys, moment)));
}

/** Keys that must never sign again, some time after they did for the last time. */
export function spentKeys<Key extends KnownKey>(keys: readonly Key[], now: number): Key[] {
  return keys.filter((key) => {
    if (key.revokedAt) return true;
    const ended = replacedAt(key, keys, now);
    return ended !== undefined && ended + marginMs <= now;
  });
}

type TurnedKey<Key> = Key & { signsFrom: Date };

function inTurn<Key extends KnownKey>(keys: readonly Key[]): TurnedKey<Key>[] {
  return keys
    .filter((key): key is TurnedKey<Key> => key.signsFrom !== null && key.revokedAt === null)
    .sort((a, b) => a.signsFrom.getTime() - b.signsFrom.getTime());
}
