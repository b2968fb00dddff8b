import { createHash } from 'node:crypto';
import path from 'node:path';
import { createDatabase, type Database, type Row } from '@rostrum/data-access';
import { createLocalKms, DataKeys, Envelope, parseMasterKeys } from '@rostrum/security';
import { createTestDatabase } from '@rostrum/testing';
import { DataKeysRepository } from '../src/keys/data-keys.repository';
import type { KeyVault } from '../src/keys/key-vault';
import { UserKeys } from '../src/keys/user-keys';
import { newMasterKey } from './auth-app';

/** A migrated database with everything that encrypts what is in it, for tests that need no running service. */
export class AuthDatabase {
  private constructor(
    /** As the service: it may only work with rows. */
    readonly database: Database,
    /** As the role that owns the tables. */
    readonly owner: Database,
    /** As the superuser of the server. */
    readonly admin: Database,
    readonly url: string,
    private readonly drop: () => Promise<void>,
  ) {}

  static async create(): Promise<AuthDatabase> {
    const { url, ownerUrl, adminUrl, drop } = await createTestDatabase(
      'auth',
      path.join(__dirname, '../migrations'),
    );
    const open = (to: string) => createDatabase({ url: to, max: 10 });
    return new AuthDatabase(open(url), open(ownerUrl), open(adminUrl), url, drop);
  }

  vault(masterKeys = newMasterKey()): KeyVault {
    const dataKeys = new DataKeys({
      kms: createLocalKms(parseMasterKeys(masterKeys)),
      store: new DataKeysRepository(this.database),
      context: { service: 'auth' },
    });
    const envelope = new Envelope(dataKeys);
    return { dataKeys, envelope, userKeys: new UserKeys(envelope) };
  }

  /** What really is in the tables, or is done to them by somebody who may do everything. */
  async rows<T extends object = Row>(sql: string, values: unknown[] = [], as = this.admin): Promise<T[]> {
    return (await as.query<T>(createHash('sha1').update(sql).digest('hex'), sql, values)).rows;
  }

  async close(): Promise<void> {
    await Promise.all([this.database.close(), this.owner.close(), this.admin.close()]);
    await this.drop();
  }
}
