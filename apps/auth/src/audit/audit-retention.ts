import type { Database } from '@rostrum/data-access';
import { AuditRetentionRepository } from './audit-retention.repository';
import { AuditRepository } from './audit.repository';
import { toPlace, type Checkpoints } from './checkpoints';

/**
 * Removes events that are older than they have to be kept, from the beginning of each chain. What is left begins with a
 * signed statement of where, so that it can be told from tampering. Only the owner of the tables may do it.
 */
export async function removeOldEvents(
  owner: Pick<Database, 'transaction'>,
  checkpoints: Pick<Checkpoints, 'sign'>,
  before: Date,
): Promise<number> {
  return owner.transaction(async (trx) => {
    const retention = new AuditRetentionRepository(trx);
    const audit = new AuditRepository(trx);
    await audit.lockCheckpoints();
    const removed = await retention.removeBefore(before);
    if (removed === 0) return 0;
    // All of it is said anew, so that no older checkpoint is needed.
    const starts = (await retention.starts()).map(toPlace);
    const { position } = await checkpoints.sign(trx, { heads: (await audit.heads()).map(toPlace), starts });
    await retention.removeCheckpoints({ before, position });
    return removed;
  });
}
