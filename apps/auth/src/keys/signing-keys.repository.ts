import type { Queryable } from '@rostrum/data-access';
import type { KnownKey } from './key-schedule';

/** A key as its row: the private half is sealed, and gone once the key must not sign any more. */
export interface StoredKey extends KnownKey {
  sealedPrivateKey: Buffer | null;
}

export interface NewKey extends Pick<KnownKey, 'kid' | 'publicJwk' | 'signsFrom'> {
  sealedPrivateKey: Buffer;
}

const columns = `kid, public_jwk as "publicJwk", sealed_private_key as "sealedPrivateKey",
  created_at as "createdAt", signs_from as "signsFrom", revoked_at as "revokedAt"`;

export class SigningKeysRepository {
  constructor(private readonly db: Queryable) {}

  /** To the end of the transaction nobody else changes keys. */
  async lock(): Promise<void> {
    await this.db.query('lock_signing_keys', `select pg_advisory_xact_lock(hashtext('auth.signing_keys'))`);
  }

  async all(): Promise<StoredKey[]> {
    const { rows } = await this.db.query<StoredKey>(
      'all_signing_keys',
      `select ${columns} from signing_keys order by created_at, kid`,
    );
    return rows;
  }

  /** Does nothing where the key is known already, or another one waits. */
  async add({ kid, publicJwk, sealedPrivateKey, signsFrom }: NewKey): Promise<void> {
    await this.db.query(
      'add_signing_key',
      `insert into signing_keys (kid, public_jwk, sealed_private_key, signs_from) values ($1, $2, $3, $4)
       on conflict do nothing`,
      [kid, JSON.stringify(publicJwk), sealedPrivateKey, signsFrom],
    );
  }

  async setTurn(kid: string, signsFrom: Date): Promise<void> {
    await this.db.query('set_signing_key_turn', 'update signing_keys set signs_from = $2 where kid = $1', [
      kid,
      signsFrom,
    ]);
  }

  async revoke(kid: string, reason: string): Promise<void> {
    await this.db.query(
      'revoke_signing_key',
      `update signing_keys set revoked_at = clock_timestamp(), revoked_because = $2, sealed_private_key = null
        where kid = $1`,
      [kid, reason],
    );
  }

  async removePrivateHalves(kids: readonly string[]): Promise<void> {
    await this.db.query(
      'remove_private_signing_keys',
      'update signing_keys set sealed_private_key = null where kid = any($1) and sealed_private_key is not null',
      [kids],
    );
  }
}
