/** What says in a statement which key is meant. */
export interface KeyExpressions {
  userId: string;
  operation: string;
  key: string;
}

/**
 * The advisory lock of a key, as an expression for statements. Locks are numbers that all schemas of a database share;
 * two keys get the same one by next to no chance.
 */
export function keyLock(table: string, { userId, operation, key }: KeyExpressions): string {
  return `hashtextextended(${key}, uuid_hash_extended(${userId}, hashtextextended('${table} ' || ${operation}, 0)))`;
}
