import { createHash } from 'node:crypto';
import type { AuditBody } from './audit-event';

/** An event as its row: what it says, its place in its chain, and the columns by which it is found. */
export interface AuditRow {
  chain: number;
  seq: number;
  body: string;
  previousHash: Buffer;
  hash: Buffer;
  columns: AuditColumns;
}

export interface AuditColumns {
  id: string;
  at: number;
  action: string;
  result: string;
  actorId: string | null;
  subjectId: string | null;
}

/** What the first event of a chain follows on. */
export const genesis = Buffer.alloc(32);

/** The same bytes as the database's trigger hashes. */
export function hashOf({ chain, seq, body, previousHash }: Omit<AuditRow, 'hash' | 'columns'>): Buffer {
  const place = Buffer.alloc(10);
  place.writeInt16BE(chain);
  place.writeBigInt64BE(BigInt(seq), 2);
  return createHash('sha256').update(previousHash).update(place).update(body).digest();
}

/** What the columns of an event with this body are; undefined where it is no event's body. */
export function columnsOf(body: string): AuditColumns | undefined {
  try {
    const { id, at, action, result, actor, subjectId } = JSON.parse(body) as AuditBody;
    const actorId = actor.kind === 'user' ? actor.id : null;
    return { id, at, action, result, actorId, subjectId: subjectId ?? null };
  } catch {
    return undefined;
  }
}
