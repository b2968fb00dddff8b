import type { Queryable } from '@rostrum/data-access';
import type { NewPasskey, PasskeyRow } from './passkey';

const passkey = `id, user_id as "userId", credential_id as "credentialId", public_key as "publicKey",
  counter::float8 as counter, transports, backed_up as "backedUp", name, created_at as "createdAt", used_at as "usedAt"`;

export class PasskeysRepository {
  constructor(private readonly db: Queryable) {}

  /** Undefined where the credential is kept already, by whomever. */
  async insert(made: NewPasskey): Promise<PasskeyRow | undefined> {
    const { id, userId, credentialId, publicKey, counter, transports, backedUp, name } = made;
    const { rows } = await this.db.query<PasskeyRow>(
      'insert_passkey',
      `insert into passkeys (id, user_id, credential_id, public_key, counter, transports, backed_up, name)
       values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict (credential_id) do nothing returning ${passkey}`,
      [id, userId, credentialId, publicKey, counter, transports, backedUp, name],
    );
    return rows[0];
  }

  async findByCredential(credentialId: Buffer): Promise<PasskeyRow | undefined> {
    const { rows } = await this.db.query<PasskeyRow>(
      'find_passkey',
      `select ${passkey} from passkeys where credential_id = $1`,
      [credentialId],
    );
    return rows[0];
  }

  async list(userId: string): Promise<PasskeyRow[]> {
    const { rows } = await this.db.query<PasskeyRow>(
      'list_passkeys',
      `select ${passkey} from passkeys where user_id = $1 order by created_at, id`,
      [userId],
    );
    return rows;
  }

  /** False where the counter has not gone on: of two with one key, one is a copy. */
  async use(id: string, { counter, backedUp }: { counter: number; backedUp: boolean }): Promise<boolean> {
    const { rowCount } = await this.db.query(
      'use_passkey',
      `update passkeys set counter = $2, backed_up = $3, used_at = now()
        where id = $1 and (counter < $2 or (counter = 0 and $2 = 0))`,
      [id, counter, backedUp],
    );
    return rowCount > 0;
  }

  async rename(userId: string, id: string, name: string): Promise<PasskeyRow | undefined> {
    const { rows } = await this.db.query<PasskeyRow>(
      'rename_passkey',
      `update passkeys set name = $3 where user_id = $1 and id = $2 returning ${passkey}`,
      [userId, id, name],
    );
    return rows[0];
  }

  async remove(userId: string, id: string): Promise<boolean> {
    const { rowCount } = await this.db.query(
      'remove_passkey',
      'delete from passkeys where user_id = $1 and id = $2',
      [userId, id],
    );
    return rowCount > 0;
  }
}
