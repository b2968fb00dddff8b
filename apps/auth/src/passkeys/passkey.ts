import type { Passkey } from '@rostrum/contracts';

/** A passkey as its row has it. */
export interface PasskeyRow {
  id: string;
  userId: string;
  credentialId: Buffer;
  publicKey: Buffer;
  counter: number;
  transports: string[];
  backedUp: boolean;
  name: string;
  createdAt: Date;
  usedAt: Date | null;
}

export type NewPasskey = Omit<PasskeyRow, 'createdAt' | 'usedAt'>;

/** Enough for every device that somebody has. */
export const mostPasskeys = 20;

/** What its owner sees of it. */
export function toPasskeyBody({ id, name, createdAt, usedAt, backedUp }: PasskeyRow): Passkey {
  return { id, name, createdAt: createdAt.toISOString(), usedAt: usedAt?.toISOString() ?? null, backedUp };
}
