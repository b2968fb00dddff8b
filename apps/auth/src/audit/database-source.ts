import type { Queryable } from '@rostrum/data-access';
import type { AuditKeys } from './audit-keys';
import type { AuditSource } from './audit-verifier';
import { AuditRepository } from './audit.repository';

const batchSize = 1_000;

/** The log as it stands in the database. */
export async function databaseSource(db: Queryable, keys: Pick<AuditKeys, 'genuine'>): Promise<AuditSource> {
  const repository = new AuditRepository(db);
  return {
    keys: await keys.genuine(db),
    checkpoints: () =>
      inBatches(
        (after) => repository.checkpoints(after, batchSize),
        ({ position }) => position,
      ),
    chain: (chain) =>
      inBatches(
        (after) => repository.chain(chain, after, batchSize),
        ({ seq }) => seq,
      ),
  };
}

async function* inBatches<Item>(
  read: (after: number) => Promise<readonly Item[]>,
  placeOf: (item: Item) => number,
): AsyncGenerator<readonly Item[]> {
  let after = Number.MIN_SAFE_INTEGER;
  for (;;) {
    const batch = await read(after);
    if (batch.length > 0) yield batch;
    const last = batch.at(-1);
    if (!last || batch.length < batchSize) return;
    after = placeOf(last);
  }
}
