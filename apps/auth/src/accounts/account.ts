import type { Account as AccountBody } from '@rostrum/contracts';
import { v7 as uuidv7 } from 'uuid';

/** A person's account, without any credential. */
export interface Account {
  id: string;
  email: string;
  emailVerified: boolean;
  username: string;
  roles: string[];
  createdAt: Date;
  /** Grows with each change. */
  version: number;
}

/** An account as its row has it. The address is sealed, except in rows from before it was. */
export interface AccountRow extends Omit<Account, 'email'> {
  email: string | null;
  emailSealed: Buffer | null;
  suspendedAt: Date | null;
  deletionRequestedAt: Date | null;
  emailVerifiedAt: Date | null;
  /** Grows with whatever must stop a sign-in that has already looked. */
  credentialsVersion: number;
}

/** What a sign-in needs besides the account. */
export interface SignInFacts {
  /** The person's own key, sealed. */
  sealedKey: Buffer | null;
  hasSecondFactor: boolean;
}

/** A password as it is stored: argon2's own text, and the secret that was mixed in. */
export interface StoredPassword {
  hash: string;
  pepper: string | null;
}

/** What is needed to check a password. */
export interface AccountWithPassword {
  account: AccountRow;
  password: StoredPassword;
}

/** Somebody who may be the one that signs in. */
export interface SignInAccount extends AccountWithPassword {
  facts: SignInFacts;
}

export interface Registration {
  email: string;
  username: string;
  password: string;
}

/** An account that is being made now. */
export function newAccount({ email, username }: Pick<Registration, 'email' | 'username'>): Account {
  return {
    id: uuidv7(),
    email,
    emailVerified: false,
    username,
    roles: ['user'],
    createdAt: new Date(),
    version: 1,
  };
}

export function toAccountBody(account: Account): AccountBody {
  const { id, email, emailVerified, username, roles, createdAt } = account;
  return { id, email, emailVerified, username, roles, createdAt: createdAt.toISOString() };
}
