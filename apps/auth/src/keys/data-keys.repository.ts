import type { Database } from '@rostrum/data-access';
import type { DataKeyStore, StoredDataKey } from '@rostrum/security';

const columns = 'id, master_key_id as "masterKeyId", wrapped_key as bytes';

/** Wrapped data keys, the newest of which encrypts. */
export class DataKeysRepository implements DataKeyStore {
  constructor(private readonly db: Database) {}

  async newest(): Promise<StoredDataKey | undefined> {
    const { rows } = await this.db.query<StoredDataKey>(
      'newest_data_key',
      `select ${columns} from data_keys order by generation desc limit 1`,
    );
    return rows[0];
  }

  async find(id: string): Promise<StoredDataKey | undefined> {
    const { rows } = await this.db.query<StoredDataKey>(
      'find_data_key',
      `select ${columns} from data_keys where id = $1`,
      [id],
    );
    return rows[0];
  }

  /** Of several processes that add a key at once, one does. */
  async add(key: StoredDataKey, replaces: string | undefined): Promise<StoredDataKey> {
    await this.db.query(
      'add_data_key',
      `insert into data_keys (id, generation, master_key_id, wrapped_key)
       select $1, coalesce(max(generation), 0) + 1, $2, $3 from data_keys
       having (array_agg(id order by generation desc))[1] is not distinct from $4::uuid
       on conflict do nothing`,
      [key.id, key.masterKeyId, key.bytes, replaces ?? null],
    );
    return (await this.newest()) ?? key;
  }

  /** For how long the newest key has been encrypting; undefined where there is none. */
  async newestAgeMs(): Promise<number | undefined> {
    const { rows } = await this.db.query<{ ageMs: number }>(
      'newest_data_key_age',
      `select extract(epoch from now() - created_at)::float8 * 1000 as "ageMs" from data_keys
        order by generation desc limit 1`,
    );
    return rows[0]?.ageMs;
  }

  async all(): Promise<StoredDataKey[]> {
    const { rows } = await this.db.query<StoredDataKey>(
      'all_data_keys',
      `select ${columns} from data_keys order by generation`,
    );
    return rows;
  }

  /** The same key, wrapped by another master key. */
  async rewrap({ id, masterKeyId, bytes }: StoredDataKey): Promise<void> {
    await this.db.query(
      'rewrap_data_key',
      'update data_keys set master_key_id = $2, wrapped_key = $3 where id = $1',
      [id, masterKeyId, bytes],
    );
  }
}
