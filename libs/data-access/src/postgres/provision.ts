import { Client } from 'pg';
import { connectionTarget } from './connection-target';
import { ensureRoles, serviceRoles, type ProvisionedService } from './provision-roles';

export { serviceRoles, type ProvisionedService };

export interface ProvisionOptions {
  database: string;
  services: ProvisionedService[];
}

// Any fixed number: it keeps two provisioners of one server from creating the same role at once.
const lockId = 7_016_283_221;

/**
 * Brings a server to the state in which every service has its schema and its two roles, and no role more than it
 * needs. May be run any number of times; passwords become the given ones.
 */
export async function provisionDatabase(adminUrl: string, options: ProvisionOptions): Promise<void> {
  await withClient(adminUrl, async (admin) => {
    await admin.query('select pg_advisory_lock($1)', [lockId]);
    for (const service of options.services) await ensureRoles(admin, service);
    await ensureDatabase(admin, options.database);
    await withClient(withDatabase(adminUrl, options.database), async (client) => {
      await restrictDatabase(client, options);
      await ensureExtensions(client);
      for (const { name } of options.services) {
        await ensureSchema(client, name);
        await letUseExtensions(client, name);
      }
    });
  });
}

/** Takes from PUBLIC what every new database grants it, and lets the services' roles in. A copy needs it anew. */
export async function restrictDatabase(
  client: Client,
  { database, services }: { database: string; services: Pick<ProvisionedService, 'name'>[] },
): Promise<void> {
  const name = client.escapeIdentifier(database);
  await client.query(`revoke all on database ${name} from public`);
  await client.query('revoke all on schema public from public');
  await refuseLargeObjects(client);
  for (const service of services) {
    const { owner, app } = serviceRoles(service.name);
    await client.query(`grant connect on database ${name} to ${owner}, ${app}`);
  }
}

/** Objects in no schema, which anybody may make and fill. Only a superuser can take that away. */
async function refuseLargeObjects(client: Client): Promise<void> {
  await client.query(`do $$ begin
    if (select rolsuper from pg_roles where rolname = current_user) then
      revoke execute on function lo_creat(int), lo_create(oid), lo_from_bytea(oid, bytea) from public;
    end if;
  end $$`);
}

async function ensureDatabase(admin: Client, database: string): Promise<void> {
  const { rowCount } = await admin.query('select from pg_database where datname = $1', [database]);
  if (rowCount) return;
  // template0: the only one that a database of another encoding than the server's own can be made from.
  await admin.query(`create database ${admin.escapeIdentifier(database)} template template0 encoding 'UTF8'`);
}

/**
 * Parts of PostgreSQL that services may use, in a schema where they can make nothing: no service may create one itself,
 * since each belongs to the whole database.
 */
const extensions = ['pg_trgm'];
const extensionsSchema = 'extensions';

async function ensureExtensions(client: Client): Promise<void> {
  await client.query(`
    create schema if not exists ${extensionsSchema};
    revoke all on schema ${extensionsSchema} from public`);
  for (const extension of extensions) {
    const { rows } = await client.query<{ known: boolean; place: string | null }>(
      `select exists(select from pg_available_extensions where name = $1) as known,
              (select extnamespace::regnamespace::text from pg_extension where extname = $1) as place`,
      [extension],
    );
    const { known = false, place = null } = rows[0] ?? {};
    if (place === extensionsSchema) continue;
    if (!known)
      throw new Error(`PostgreSQL's extension ${extension} is missing: install its contrib package`);
    if (place === null) await client.query(`create extension ${extension} schema ${extensionsSchema}`);
    else await moveExtension(client, extension, place);
  }
}

/** Whoever has made an extension may not move it, unless they are a superuser. */
async function moveExtension(client: Client, extension: string, from: string): Promise<void> {
  const move = `alter extension ${extension} set schema ${extensionsSchema}`;
  await client.query(move).catch((cause: unknown) => {
    throw new Error(`The extension ${extension} is in the schema ${from}: a superuser has to run "${move}"`, {
      cause,
    });
  });
}

async function letUseExtensions(client: Client, service: string): Promise<void> {
  const { owner, app } = serviceRoles(service);
  await client.query(`grant usage on schema ${extensionsSchema} to ${owner}, ${app}`);
}

async function ensureSchema(client: Client, schema: string): Promise<void> {
  const { owner, app } = serviceRoles(schema);
  const rows = 'select, insert, update, delete';
  await client.query(`
    create schema if not exists ${schema} authorization ${owner};
    revoke all on schema ${schema} from public;
    grant usage on schema ${schema} to ${app};
    grant ${rows} on all tables in schema ${schema} to ${app};
    grant usage, select on all sequences in schema ${schema} to ${app};
    alter default privileges for role ${owner} in schema ${schema} grant ${rows} on tables to ${app};
    alter default privileges for role ${owner} in schema ${schema} grant usage, select on sequences to ${app};
    alter default privileges for role ${owner} revoke execute on functions from public;
    alter default privileges for role ${owner} in schema ${schema} grant execute on functions to ${app};
  `);
}

/** The same server and login, another database. */
export function withDatabase(url: string, database: string): string {
  const changed = new URL(url);
  changed.pathname = `/${encodeURIComponent(database)}`;
  return changed.href;
}

export async function withClient<T>(url: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ ...connectionTarget(url), connectionTimeoutMillis: 10_000, keepAlive: true });
  // Its loss while idle is noticed by the next statement.
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
