import { v7 as uuidv7 } from 'uuid';
import { graceMs, type FamilyState } from './refresh-rules';

/** Where the client keeps the tokens: by itself, or in the browser's cookies. */
export type SessionMode = 'bearer' | 'cookie';

/** Why a session is over. */
export type EndReason =
  | 'logout'
  | 'ended by its owner'
  | 'password changed'
  | 'password reset'
  | 'token replayed'
  | 'account deleted'
  | 'ended by an admin'
  | 'account suspended'
  | 'too many sessions';

/** One sign-in of one person, on one device. */
export interface Session {
  id: string;
  userId: string;
  createdAt: Date;
  usedAt: Date;
  expiresAt: Date;
  mode: SessionMode;
  /** How its owner was recognised, in the words of RFC 8176. */
  methods: readonly string[];
  client: string | null;
  addressSealed: Buffer | null;
}

export interface NewSession extends Omit<Session, 'addressSealed' | 'usedAt'> {
  addressSealed: Buffer | undefined;
  tokenHash: Buffer;
  /** However often it is refreshed, it is over then. */
  endsAt: Date;
}

export interface SessionLimits {
  /** A session that is not refreshed for so long is over. */
  idleSeconds: number;
  /** However often it is refreshed. */
  totalSeconds: number;
}

/** When a session that begins now is over. */
export function newLifetime({ idleSeconds, totalSeconds }: SessionLimits) {
  const createdAt = new Date();
  const after = (seconds: number) => new Date(createdAt.getTime() + seconds * 1000);
  return {
    id: uuidv7(),
    createdAt,
    expiresAt: after(Math.min(idleSeconds, totalSeconds)),
    endsAt: after(totalSeconds),
  };
}

/** What tokens say of somebody, as it was when the session was begun or went on. */
export interface TokenFacts {
  roles: string[];
  /** Up to when tokens of the person are revoked, in milliseconds since 1970; whichever process has done that. */
  revokedUpTo: number | null;
  /** How many signing keys are revoked, whichever process has done that. */
  revokedKeys: number;
}

/** Whose token it is that was exchanged, and in which session. */
export interface RefreshedSession extends TokenFacts {
  sessionId: string;
  userId: string;
  username: string;
  mode: SessionMode;
  expiresAt: Date;
}

/** A session as it is found when a token of it is shown. */
export interface FoundFamily extends RefreshedSession {
  state: FamilyState;
  tokenHash: Buffer | null;
  isOver: boolean;
}

export const graceSeconds = graceMs / 1000;
