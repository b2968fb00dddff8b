import { hash } from 'node:crypto';
import type { RepeatableWrite } from './idempotency-keys';

/** Advisory locks are numbers that all schemas of a database share; two keys get the same one by next to no chance. */
export function keyLock(table: string, { userId, operation, key }: RepeatableWrite): string {
  const digest = hash('sha256', `${table}\n${userId}\n${operation}\n${key}`, 'buffer');
  return digest.readBigInt64BE(0).toString();
}
