import type { Account } from '../accounts/account';
import { v7 as uuidv7 } from 'uuid';

/** One sign-in of one person, on one device. */
export interface Session {
  id: string;
  userId: string;
  createdAt: Date;
  expiresAt: Date;
}

/** What a person proves who they are with. */
export interface Credentials {
  /** Their email or their username. */
  identifier: string;
  password: string;
}

export interface SignedIn {
  account: Account;
  accessToken: string;
  expiresIn: number;
}

/** A session that begins now. */
export function newSession(userId: string, ttlSeconds: number): Session {
  const createdAt = new Date();
  const expiresAt = new Date(createdAt.getTime() + ttlSeconds * 1000);
  return { id: uuidv7(), userId, createdAt, expiresAt };
}
