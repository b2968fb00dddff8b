import { Client } from 'pg';
import { serviceRoles } from '../../postgres/provision-roles';

export interface AttemptOptions {
  /** The role that tries. */
  url: string;
  service: string;
  /** A table of the service, and one of somebody else's. */
  table: string;
  foreignTable: string;
}

const insufficientPrivilege = '42501';

/**
 * Tries, as the service's own role, what somebody would who could make it say any SQL. Resolves to what was not
 * refused for want of the right to do it; all of it is taken back.
 */
export async function forbiddenToApp(options: AttemptOptions): Promise<string[]> {
  const { service, table } = options;
  const { owner } = serviceRoles(service);
  return attemptAll(options, [
    ...forbiddenToAll(options),
    `create table ${service}.mine (id int)`,
    `create view ${service}.mine as select 1`,
    `create function ${service}.mine() returns int language sql as 'select 1'`,
    `create type ${service}.mine as enum ('a')`,
    `create sequence ${service}.mine`,
    `alter table ${table} add column mine int`,
    `alter table ${table} disable trigger all`,
    `alter table ${table} owner to current_user`,
    `create index mine on ${table} ((1))`,
    `create trigger mine before insert on ${table} for each row execute function suppress_redundant_updates_trigger()`,
    `create policy mine on ${table}`,
    `create rule mine as on insert to ${table} do instead nothing`,
    `truncate ${table}`,
    `drop table ${table} cascade`,
    `comment on table ${table} is 'mine'`,
    `drop schema ${service} cascade`,
    `alter schema ${service} rename to mine`,
    `insert into ${service}.schema_migrations (name, batch) values ('mine', 1)`,
    `update ${service}.schema_migrations set name = 'mine'`,
    `delete from ${service}.schema_migrations`,
    `select nextval('${service}.schema_migrations_id_seq')`,
    `alter default privileges for role ${owner} grant all on tables to public`,
    `set role ${owner}`,
    `set session authorization ${owner}`,
    `alter role ${owner} password 'mine'`,
    `grant ${owner} to current_user`,
  ]);
}

/** The same as the role that owns the schema: it may do as it likes there, and nothing anywhere else. */
export function forbiddenToOwner(options: AttemptOptions): Promise<string[]> {
  const { app } = serviceRoles(options.service);
  return attemptAll(options, [
    ...forbiddenToAll(options),
    `set role ${app}`,
    `alter role ${app} password 'mine'`,
  ]);
}

function forbiddenToAll({ foreignTable }: AttemptOptions): string[] {
  return [
    `select * from ${foreignTable}`,
    `insert into ${foreignTable} default values`,
    `update ${foreignTable} set id = null`,
    `delete from ${foreignTable}`,
    `alter table ${foreignTable} add column mine int`,
    `drop table ${foreignTable}`,
    'create table public.mine (id int)',
    'create temporary table mine (id int)',
    'create schema mine',
    'create database mine',
    'create role mine',
    'create extension citext',
    'alter extension pg_trgm update',
    'create table extensions.mine (id int)',
    'create publication mine',
    `create tablespace mine location '/tmp'`,
    'create event trigger mine on ddl_command_end execute function suppress_redundant_updates_trigger()',
    'select * from pg_authid',
    'select * from pg_shadow',
    `select pg_read_file('postgresql.conf')`,
    `select pg_ls_dir('.')`,
    `copy (select 1) to '/tmp/mine'`,
    `copy (select 1) to program 'true'`,
    'select lo_create(0)',
    `select lo_from_bytea(0, 'mine')`,
    `select lo_import('/etc/passwd')`,
    'alter system set log_statement = none',
    `set session_replication_role = replica`,
    'alter role current_user superuser',
    'alter role current_user bypassrls',
    'alter role current_user createrole',
    'set role postgres',
    'grant pg_read_all_data to current_user',
    'select pg_reload_conf()',
  ];
}

async function attemptAll({ url }: AttemptOptions, statements: readonly string[]): Promise<string[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const outcomes: (string | undefined)[] = [];
    for (const statement of statements) outcomes.push(await attempt(client, statement));
    return outcomes.filter((outcome) => outcome !== undefined);
  } finally {
    await client.end();
  }
}

async function attempt(client: Client, statement: string): Promise<string | undefined> {
  // These cannot be tried in a transaction, and are refused before they do anything.
  const alone = /^(create database|create tablespace|alter system)/.test(statement);
  try {
    if (!alone) await client.query('begin');
    await client.query(statement);
    return `${statement}: not refused`;
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    return code === insufficientPrivilege ? undefined : `${statement}: ${message}`;
  } finally {
    if (!alone) await client.query('rollback');
  }
}
