import type { Account as AccountBody } from '@rostrum/contracts';
import { v7 as uuidv7 } from 'uuid';

/** A person's account, without any credential. */
export interface Account {
  id: string;
  email: string;
  username: string;
  roles: string[];
  createdAt: Date;
}

/** What is needed to check a password. */
export interface AccountWithPassword {
  account: Account;
  passwordHash: string;
}

export interface Registration {
  email: string;
  username: string;
  password: string;
}

/** An account that is being made now. */
export function newAccount({ email, username }: Registration): Account {
  return { id: uuidv7(), email, username, roles: ['user'], createdAt: new Date() };
}

export function toAccountBody({ id, email, username, createdAt }: Account): AccountBody {
  return { id, email, username, createdAt: createdAt.toISOString() };
}
