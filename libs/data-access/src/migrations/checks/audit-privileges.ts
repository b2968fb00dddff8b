import type { Client } from 'pg';
import { serviceRoles } from '../../postgres/provision-roles';
import { withClient } from '../../postgres/provision';

export interface AuditOptions {
  /** The database as its superuser sees it. */
  adminUrl: string;
  service: string;
  /** Tables of which the service may do less than read, add, change and remove rows. */
  exceptions?: Readonly<Record<string, readonly string[]>>;
}

const everyRow = ['SELECT', 'INSERT', 'UPDATE', 'DELETE'];
const system = `('pg_catalog', 'information_schema', 'pg_toast')`;

/**
 * Everything that the two roles of a service may do too much, or too little, as PostgreSQL itself reckons it: over all
 * schemas, tables, sequences and functions of the database, whoever made them.
 */
export async function auditPrivileges({ adminUrl, service, exceptions }: AuditOptions): Promise<string[]> {
  return withClient(adminUrl, async (admin) => {
    const { owner, app } = serviceRoles(service);
    const audit = new Audit(admin, service, { app, owner });
    return [
      ...(await audit.attributes()),
      ...(await audit.memberships()),
      ...(await audit.settings()),
      ...(await audit.database()),
      ...(await audit.schemas()),
      ...(await audit.ownTables(exceptions ?? {})),
      ...(await audit.ownSequences()),
      ...(await audit.otherRelations()),
      ...(await audit.functions()),
      ...(await audit.possessions()),
    ];
  });
}

class Audit {
  constructor(
    private readonly admin: Client,
    private readonly service: string,
    private readonly roles: { app: string; owner: string },
  ) {}

  attributes(): Promise<string[]> {
    return this.list(
      `select format('%s has the attribute %s', rolname, attribute)
         from pg_roles, lateral (values ('superuser', rolsuper), ('createrole', rolcreaterole),
           ('createdb', rolcreatedb), ('replication', rolreplication), ('bypassrls', rolbypassrls),
           ('inherit', rolinherit), ('no connection limit', rolconnlimit < 0)) a (attribute, has)
        where rolname = any($1) and has`,
    );
  }

  memberships(): Promise<string[]> {
    return this.list(
      `select format('%s is a member of %s', member::regrole, roleid::regrole)
         from pg_auth_members where member::regrole::text = any($1)`,
    );
  }

  settings(): Promise<string[]> {
    return this.list(
      `select format('%s has no limit %s', role, name)
         from unnest($1::text[]) role,
              unnest(array['statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout']) name
        where not exists (select from pg_roles, unnest(rolconfig) setting
                           where rolname = role and setting like name || '=%' and setting not like name || '=0%')`,
    );
  }

  database(): Promise<string[]> {
    return this.list(
      `select format('%s has %s on the database', role, privilege)
         from unnest($1::text[]) role, unnest(array['CREATE', 'TEMPORARY']) privilege
        where has_database_privilege(role, current_database(), privilege)
        union all
       select format('%s cannot connect', role) from unnest($1::text[]) role
        where not has_database_privilege(role, current_database(), 'CONNECT')`,
    );
  }

  /** Whoever may not enter a schema cannot use what is in it, but a right there may become one by mistake. */
  schemas(): Promise<string[]> {
    return this.list(
      `select format('%s has %s on schema %s', role, privilege, nspname)
         from unnest($1::text[]) role, unnest(array['CREATE', 'USAGE']) privilege, pg_namespace
        where nspname not in ${system} and nspname !~ '^pg_(temp|toast_temp)_'
          and has_schema_privilege(role, oid, privilege)
          and not (nspname = $2 and (role = $4 or privilege = 'USAGE'))
          and not (nspname = 'extensions' and privilege = 'USAGE')
        union all
       select format('%s has CREATE on schema %s', role, nspname) from unnest($1::text[]) role, pg_namespace
        where nspname in ${system} and has_schema_privilege(role, oid, 'CREATE')`,
    );
  }

  async ownTables(exceptions: Readonly<Record<string, readonly string[]>>): Promise<string[]> {
    const { rows } = await this.admin.query<{ table: string; owner: string; has: string[] }>(
      `select relname as table, relowner::regrole::text as owner,
              (select coalesce(array_agg(privilege), '{}') from unnest(array['SELECT', 'INSERT', 'UPDATE', 'DELETE',
                 'TRUNCATE', 'REFERENCES', 'TRIGGER'] || case when current_setting('server_version_num')::int >= 170000
                 then array['MAINTAIN'] else '{}' end) privilege
                where has_table_privilege($2, c.oid, privilege)) as has
         from pg_class c where relnamespace = to_regnamespace($1) and relkind in ('r', 'p', 'v', 'm', 'f')
        order by 1`,
      [this.service, this.roles.app],
    );
    return rows.flatMap(({ table, owner, has }) => {
      const meant = table === 'schema_migrations' ? ['SELECT'] : (exceptions[table] ?? everyRow);
      const { app } = this.roles;
      return [
        ...has.filter((each) => !meant.includes(each)).map((each) => `${app} has ${each} on its ${table}`),
        ...meant.filter((each) => !has.includes(each)).map((each) => `${app} lacks ${each} on its ${table}`),
        ...(owner === this.roles.owner ? [] : [`${table} belongs to ${owner}`]),
      ];
    });
  }

  ownSequences(): Promise<string[]> {
    return this.list(
      `select format('%s %s %s on sequence %s', $3::text, case when has then 'has' else 'lacks' end, privilege, relname)
         from pg_class c, unnest(array['USAGE', 'SELECT', 'UPDATE']) privilege,
              lateral (select has_sequence_privilege($3, c.oid, privilege) as has) each
        where relnamespace = to_regnamespace($2) and relkind = 'S'
          and has <> (privilege <> 'UPDATE' and relname <> 'schema_migrations_id_seq')`,
    );
  }

  otherRelations(): Promise<string[]> {
    return this.list(
      `select distinct format('%s has rights on %s.%s', role, nspname, relname)
         from unnest($1::text[]) role, pg_class c join pg_namespace n on n.oid = relnamespace
        where nspname not in ${system} and nspname <> $2
          and (case when relkind = 'S' then has_sequence_privilege(role, c.oid, 'USAGE, SELECT, UPDATE')
                    when relkind in ('r', 'p', 'v', 'm', 'f') then
                      has_table_privilege(role, c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')
                      or has_any_column_privilege(role, c.oid, 'SELECT, INSERT, UPDATE, REFERENCES') end)
        union all
       select format('%s may read %s', role, relation)
         from unnest($1::text[]) role, unnest(array['pg_authid', 'pg_shadow', 'pg_user_mapping', 'pg_largeobject',
           'pg_statistic', 'pg_subscription', 'pg_hba_file_rules', 'pg_file_settings']) relation
        where has_table_privilege(role, 'pg_catalog.' || relation, 'SELECT')`,
    );
  }

  /** Functions of others, those that act with their owner's rights, and the server's own that reach out of the database. */
  functions(): Promise<string[]> {
    return this.list(
      `select format('%s may call %s', role, p.oid::regprocedure)
         from unnest($1::text[]) role, pg_proc p join pg_namespace n on n.oid = pronamespace
        where nspname not in ${system} and nspname <> $2 and has_function_privilege(role, p.oid, 'EXECUTE')
          and has_schema_privilege(role, n.oid, 'USAGE')
          and not (nspname = 'extensions' and exists (
            select from pg_depend where classid = 'pg_proc'::regclass and objid = p.oid and deptype = 'e'))
        union all
       select format('%s acts for its owner wherever the search path leads', p.oid::regprocedure)
         from pg_proc p where pronamespace = to_regnamespace($2) and prosecdef
          and not exists (select from unnest(proconfig) setting where setting like 'search_path=%')
        union all
       select format('%s may call %s', role, p.oid::regprocedure)
         from unnest($1::text[]) role, pg_proc p
        where pronamespace = 'pg_catalog'::regnamespace and has_function_privilege(role, p.oid, 'EXECUTE')
          and proname = any(array['pg_read_file', 'pg_read_binary_file', 'pg_ls_dir', 'pg_ls_logdir', 'pg_ls_waldir',
            'pg_stat_file', 'lo_import', 'lo_export', 'lo_create', 'lo_creat', 'lo_from_bytea', 'pg_reload_conf',
            'pg_rotate_logfile', 'pg_promote', 'pg_switch_wal', 'pg_create_restore_point',
            'pg_log_backend_memory_contexts', 'pg_stat_reset'])`,
    );
  }

  /** A service owns nothing, not even what it has made; its owner owns its schema alone. */
  possessions(): Promise<string[]> {
    return this.list(
      `select format('%s owns %s', $3::text, pg_describe_object(classid, objid, objsubid)) from pg_shdepend
        where refclassid = 'pg_authid'::regclass and deptype = 'o' and refobjid = $3::text::regrole
          and dbid = (select oid from pg_database where datname = current_database())
        union all
       select format('%s owns %s.%s', $4::text, nspname, relname)
         from pg_class c join pg_namespace n on n.oid = relnamespace
        where relowner = $4::text::regrole and nspname <> $2 and nspname not in ${system}`,
    );
  }

  /** Runs a query with $1 both roles, $2 the schema, $3 the app, $4 the owner, of which it may use any. */
  private async list(query: string): Promise<string[]> {
    const { app, owner } = this.roles;
    const text = `with given as (select $1::text[], $2::text, $3::text, $4::text) select line from (${query}) lines (line)`;
    const { rows } = await this.admin.query<{ line: string }>(text, [[app, owner], this.service, app, owner]);
    return rows.map(({ line }) => line);
  }
}
