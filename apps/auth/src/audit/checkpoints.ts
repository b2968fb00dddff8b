import type { Database, Transaction } from '@rostrum/data-access';
import type { AuditKeys } from './audit-keys';
import { AuditRepository, type ChainHead } from './audit.repository';
import { checkpointHash, signCheckpoint, type Checkpoint, type CheckpointBody } from './checkpoint';

/** What is to be noted outside of a checkpoint that was made. */
export interface MadeCheckpoint {
  position: number;
  hash: string;
}

/** Signs now and then how far each chain has come. What comes after the last checkpoint is the part that is not proven. */
export class Checkpoints {
  private seen = new Map<number, number>();

  constructor(
    private readonly database: Pick<Database, 'transaction'>,
    private readonly keys: Pick<AuditKeys, 'current'>,
  ) {}

  /** Undefined where nothing has happened since the last one. */
  async make(): Promise<MadeCheckpoint | undefined> {
    return this.database.transaction(async (trx) => {
      const repository = new AuditRepository(trx);
      await repository.lockCheckpoints();
      const heads = (await repository.heads()).filter(({ chain, seq }) => this.seen.get(chain) !== seq);
      if (heads.length === 0) return undefined;
      const made = await this.sign(trx, { heads: heads.map(toPlace) });
      trx.onCommit(() => heads.forEach(({ chain, seq }) => this.seen.set(chain, seq)));
      return made;
    });
  }

  /** Adds a checkpoint that says this; under the lock of checkpoints. */
  async sign(trx: Transaction, said: Pick<CheckpointBody, 'heads' | 'starts'>): Promise<MadeCheckpoint> {
    const repository = new AuditRepository(trx);
    const [key, last] = [await this.keys.current(trx), await repository.lastCheckpoint()];
    const body: CheckpointBody = {
      v: 1,
      position: (last?.position ?? 0) + 1,
      at: Date.now(),
      key: key.id,
      previous: last ? checkpointHash(last) : '',
      ...said,
    };
    const checkpoint: Checkpoint = signCheckpoint(body, key);
    await repository.addCheckpoint(checkpoint);
    return { position: checkpoint.position, hash: checkpointHash(checkpoint) };
  }
}

export function toPlace({ chain, seq, hash }: ChainHead): CheckpointBody['heads'][number] {
  return [chain, seq, hash.toString('hex')];
}
