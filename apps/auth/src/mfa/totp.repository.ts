import type { Queryable } from '@rostrum/data-access';

export interface TotpRow {
  sealedSecret: Buffer;
  isConfirmed: boolean;
}

export class TotpRepository {
  constructor(private readonly db: Queryable) {}

  async find(userId: string): Promise<TotpRow | undefined> {
    const { rows } = await this.db.query<TotpRow>(
      'find_totp',
      `select sealed_secret as "sealedSecret", confirmed_at is not null as "isConfirmed"
         from totp_secrets where user_id = $1`,
      [userId],
    );
    return rows[0];
  }

  /** In place of one that nobody has confirmed. False where there is one that counts. */
  async begin(userId: string, sealedSecret: Buffer): Promise<boolean> {
    const { rowCount } = await this.db.query(
      'begin_totp',
      `insert into totp_secrets (user_id, sealed_secret) values ($1, $2)
       on conflict (user_id) do update set sealed_secret = excluded.sealed_secret, created_at = now(), last_step = 0
        where totp_secrets.confirmed_at is null`,
      [userId, sealedSecret],
    );
    return rowCount > 0;
  }

  /** False where it counts already, or another secret has taken its place. */
  async confirm(
    userId: string,
    { sealedSecret, step }: { sealedSecret: Buffer; step: number },
  ): Promise<boolean> {
    const { rowCount } = await this.db.query(
      'confirm_totp',
      `update totp_secrets set confirmed_at = now(), last_step = $3
        where user_id = $1 and sealed_secret = $2 and confirmed_at is null`,
      [userId, sealedSecret, step],
    );
    return rowCount > 0;
  }

  /** Of two who show one code at the same time, one is first. */
  async takeStep(userId: string, step: number): Promise<boolean> {
    const { rowCount } = await this.db.query(
      'take_totp_step',
      `update totp_secrets set last_step = $2
        where user_id = $1 and last_step < $2 and confirmed_at is not null`,
      [userId, step],
    );
    return rowCount > 0;
  }

  async remove(userId: string): Promise<boolean> {
    const { rowCount } = await this.db.query(
      'remove_totp',
      'delete from totp_secrets where user_id = $1 and confirmed_at is not null',
      [userId],
    );
    return rowCount > 0;
  }
}
