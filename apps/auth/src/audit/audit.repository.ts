import type { Queryable } from '@rostrum/data-access';
import type { AuditRow } from './audit-chain';
import type { Checkpoint } from './checkpoint';

interface EventRow {
  chain: number;
  seq: string;
  body: string;
  previousHash: Buffer;
  hash: Buffer;
  id: string;
  occurredAt: Date;
  action: string;
  result: string;
  actorId: string | null;
  subjectId: string | null;
}

interface CheckpointRow extends Omit<Checkpoint, 'position'> {
  position: string;
}

/** The last event of a chain. */
export interface ChainHead {
  chain: number;
  seq: number;
  hash: Buffer;
}

export interface StoredAuditKey {
  id: string;
  publicKey: Buffer;
  sealedPrivateKey: Buffer;
}

const columns = `chain, seq, body, previous_hash as "previousHash", hash, id, occurred_at as "occurredAt", action,
  result, actor_id as "actorId", subject_id as "subjectId"`;

/** The rows of the log. The database numbers and hashes them. */
export class AuditRepository {
  constructor(private readonly db: Queryable) {}

  async append(chain: number, body: string): Promise<void> {
    await this.db.query('append_audit_event', 'insert into audit_events (chain, body) values ($1, $2)', [
      chain,
      body,
    ]);
  }

  /** Up to `limit` events of a chain in their order, after the one with the number `after`. */
  async chain(chain: number, after: number, limit: number): Promise<AuditRow[]> {
    const { rows } = await this.db.query<EventRow>(
      'read_audit_chain',
      `select ${columns} from audit_events where chain = $1 and seq > $2 order by seq limit $3`,
      [chain, after, limit],
    );
    return rows.map(toAuditRow);
  }

  async heads(): Promise<ChainHead[]> {
    const { rows } = await this.db.query<{ chain: number; seq: string; hash: Buffer }>(
      'read_audit_heads',
      `select head.* from generate_series(0, 15) as c(number)
        cross join lateral (
          select chain, seq, hash from audit_events where chain = c.number order by seq desc limit 1
        ) as head`,
    );
    return rows.map(({ chain, seq, hash }) => ({ chain, seq: Number(seq), hash }));
  }

  /** To the end of the transaction nobody else adds a checkpoint. */
  async lockCheckpoints(): Promise<void> {
    await this.db.query(
      'lock_audit_checkpoints',
      `select pg_advisory_xact_lock(hashtext('auth.audit_checkpoints'))`,
    );
  }

  async lastCheckpoint(): Promise<Checkpoint | undefined> {
    const { rows } = await this.db.query<CheckpointRow>(
      'last_audit_checkpoint',
      'select position, body, signature from audit_checkpoints order by position desc limit 1',
    );
    return rows[0] && toCheckpoint(rows[0]);
  }

  async checkpoints(after: number, limit: number): Promise<Checkpoint[]> {
    const { rows } = await this.db.query<CheckpointRow>(
      'read_audit_checkpoints',
      'select position, body, signature from audit_checkpoints where position > $1 order by position limit $2',
      [after, limit],
    );
    return rows.map(toCheckpoint);
  }

  async addCheckpoint({ position, body, signature }: Checkpoint): Promise<void> {
    await this.db.query(
      'add_audit_checkpoint',
      'insert into audit_checkpoints (position, body, signature) values ($1, $2, $3)',
      [position, body, signature],
    );
  }

  async keys(): Promise<StoredAuditKey[]> {
    const { rows } = await this.db.query<StoredAuditKey>(
      'read_audit_keys',
      `select id, public_key as "publicKey", sealed_private_key as "sealedPrivateKey" from audit_keys
        order by created_at, id`,
    );
    return rows;
  }

  async addKey({ id, publicKey, sealedPrivateKey }: StoredAuditKey): Promise<void> {
    await this.db.query(
      'add_audit_key',
      'insert into audit_keys (id, public_key, sealed_private_key) values ($1, $2, $3)',
      [id, publicKey, sealedPrivateKey],
    );
  }
}

function toAuditRow({ chain, seq, body, previousHash, hash, ...row }: EventRow): AuditRow {
  const { id, occurredAt, action, result, actorId, subjectId } = row;
  return {
    chain,
    seq: Number(seq),
    body,
    previousHash,
    hash,
    columns: { id, at: occurredAt.getTime(), action, result, actorId, subjectId },
  };
}

function toCheckpoint({ position, body, signature }: CheckpointRow): Checkpoint {
  return { position: Number(position), body, signature };
}
