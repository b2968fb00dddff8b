import { createHash, randomUUID } from 'node:crypto';
import fs from 'node:fs/promises';
import path from 'node:path';
import {
  isMigrationFile,
  migrate,
  provisionDatabase,
  restrictDatabase,
  serviceRoles,
  withClient,
  withDatabase,
  type MigrationLocation,
} from '@rostrum/data-access';
import { testSetting } from '../environment';

export interface TestDatabaseOptions {
  /** The superuser of another server than the one that all suites share. */
  adminUrl?: string;
}

export interface TestDatabase {
  name: string;
  /** Connects as the service's own role, which may only work with rows. */
  url: string;
  /** Connects as the role that owns the tables. */
  ownerUrl: string;
  /** Connects as the server's superuser. */
  adminUrl: string;
  /** Removes the database, also under connections that are still open. */
  drop(): Promise<void>;
}

/**
 * A database of the test suite's own, with the service's schema migrated and its roles in place. From a folder of
 * migrations the first call makes a template and all others copy it, which costs milliseconds.
 */
export async function createTestDatabase(
  service: string,
  migrations: string | MigrationLocation,
  { adminUrl = testSetting('TEST_POSTGRES_URL') }: TestDatabaseOptions = {},
): Promise<TestDatabase> {
  const location = typeof migrations === 'string' ? { directory: migrations } : migrations;
  const name = `test_${service}_${randomUUID().slice(0, 13).replace('-', '')}`;
  if (location.source) await makeDatabase(adminUrl, { database: name, service, location });
  else await copyTemplate(adminUrl, { database: name, service, location });
  await withClient(withDatabase(adminUrl, name), (client) =>
    restrictDatabase(client, { database: name, services: [{ name: service }] }),
  );
  const { owner, app } = serviceRoles(service);
  return {
    name,
    url: asRole(adminUrl, name, app),
    ownerUrl: asRole(adminUrl, name, owner),
    adminUrl: withDatabase(adminUrl, name),
    drop: () =>
      withClient(adminUrl, async (admin) => {
        await admin.query(`drop database if exists ${name} with (force)`);
      }),
  };
}

interface MakeOptions<Location = MigrationLocation> {
  database: string;
  service: string;
  location: Location;
}

type Folder = MigrationLocation & { directory: string };

/** The first to come makes the template; the lock is held for the copy too, which fails while the template is in use. */
async function copyTemplate(
  adminUrl: string,
  { database, service, location }: MakeOptions<Folder>,
): Promise<void> {
  const template = `template_${service}_${await fingerprint(service, location.directory)}`;
  await withClient(adminUrl, async (admin) => {
    await admin.query('select pg_advisory_lock(hashtext($1))', [template]);
    const { rowCount } = await admin.query('select from pg_database where datname = $1', [template]);
    if (!rowCount) {
      // Made under another name, so that one whose maker died half-way is never copied.
      const draft = `${template}_draft`;
      await admin.query(`drop database if exists ${draft} with (force)`);
      await makeDatabase(adminUrl, { database: draft, service, location });
      await admin.query(`alter database ${draft} rename to ${template}`);
    }
    await admin.query(`create database ${database} template ${template}`);
  });
}

async function makeDatabase(adminUrl: string, { database, service, location }: MakeOptions): Promise<void> {
  const { owner, app } = serviceRoles(service);
  await provisionDatabase(adminUrl, {
    database,
    services: [{ name: service, ownerPassword: passwordOf(owner), appPassword: passwordOf(app) }],
  });
  await migrate(asRole(adminUrl, database, owner), { ...location, schema: service }, 'up');
}

function asRole(adminUrl: string, database: string, role: string): string {
  const url = new URL(withDatabase(adminUrl, database));
  url.username = role;
  url.password = passwordOf(role);
  return url.href;
}

/** All suites share one throw-away server and its roles, so they have to agree; this is a secret nowhere else. */
function passwordOf(role: string): string {
  return `${role}_test`;
}

async function fingerprint(service: string, directory: string): Promise<string> {
  const hash = createHash('sha256').update(service);
  for (const file of (await fs.readdir(directory)).filter(isMigrationFile).sort()) {
    hash.update(file).update(await fs.readFile(path.join(directory, file)));
  }
  return hash.digest('hex').slice(0, 12);
}
