import type { Transaction } from '@rostrum/data-access';
import { AvoidancesRepository, type Avoidance } from './avoidances.repository';
import { NotificationLedger } from './notification-ledger.repository';

/**
 * That people want to hear nothing of each other, or do again. They are held while it changes: whoever writes a
 * notification of one to the other sees the change, or is seen by it. No pair may be there twice.
 */
export async function avoid(trx: Transaction, changes: readonly Avoidance[]): Promise<void> {
  const ledger = new NotificationLedger(trx);
  await ledger.hold(changes.flatMap(({ personId, otherId }) => [personId, otherId]));
  const active = await new AvoidancesRepository(trx).put(changes);
  if (active.length === 0) return;
  await ledger.withdrawAllBetween(
    active.flatMap(({ personId, otherId, kind }) => {
      const [there, back] = [
        { recipientId: personId, actorId: otherId },
        { recipientId: otherId, actorId: personId },
      ];
      return kind === 'block' ? [there, back] : [there];
    }),
  );
}
