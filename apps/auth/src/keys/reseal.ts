import type { Database } from '@rostrum/data-access';
import type { Envelope, Place } from '@rostrum/security';
import { auditKeyPlace } from '../audit/audit-keys';
import { privateKeyPlace } from './key-maker';
import { SealedValuesRepository, type SealedColumn } from './sealed-values.repository';
import { placeOf } from './user-keys';

/** All that data keys encrypt and that can be put under another one. What the audit log has sealed stays as it is. */
const sealed: (SealedColumn & { placeOf: (id: string) => Place })[] = [
  { table: 'user_keys', idColumn: 'user_id', column: 'sealed_key', placeOf },
  { table: 'signing_keys', idColumn: 'kid', column: 'sealed_private_key', placeOf: privateKeyPlace },
  { table: 'audit_keys', idColumn: 'id', column: 'sealed_private_key', placeOf: auditKeyPlace },
];

const batchSize = 500;

/**
 * Puts everything under the newest data key, beside a service that runs. A value that has changed in the meantime is
 * left as it is: whoever changed it has used the newest key.
 */
export async function resealAll(
  database: Database,
  envelope: Pick<Envelope, 'isStale' | 'reseal'>,
): Promise<Record<string, number>> {
  const values = new SealedValuesRepository(database);
  const counts: Record<string, number> = {};
  for (const { placeOf: where, ...column } of sealed) {
    let count = 0;
    let after: string | undefined;
    for (;;) {
      const batch = await values.read(column, after, batchSize);
      for (const { id, value } of batch) {
        if (!(await envelope.isStale(value))) continue;
        const anew = await envelope.reseal(value, where(id));
        if (await values.replace(column, { id, value, anew })) count += 1;
      }
      after = batch.at(-1)?.id;
      if (batch.length < batchSize) break;
    }
    counts[`${column.table}.${column.column}`] = count;
  }
  return counts;
}
