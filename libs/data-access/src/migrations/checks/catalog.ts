import type { MigrationSession } from '../migration-session';

export interface Relation {
  name: string;
  /** As in pg_class: r and p are tables, v and m views, S a sequence. */
  kind: string;
  /** Where its rows are: another one means that they were all written anew, or thrown away. */
  file: string;
  privileges: string[];
}

export interface Column {
  name: string;
  type: string;
  notNull: boolean;
  /** Filled without anybody saying so: a default, an identity, a generated value. */
  filled: boolean;
}

export interface Constraint {
  name: string;
  /** As in pg_constraint: c is a check, f a foreign key. */
  kind: string;
  table: string;
  validated: boolean;
}

export interface Index {
  name: string;
  table: string;
}

/** What there is in a schema, by what stays when it is renamed. */
export interface Catalog {
  relations: Record<string, Relation>;
  /** By table and number. */
  columns: Record<string, Record<string, Column>>;
  constraints: Record<string, Constraint>;
  indexes: Record<string, Index>;
  functions: Record<string, string>;
  types: Record<string, string>;
  labels: Record<string, string>;
}

/** The migrator's own table, and what belongs to it, is no business of anybody's migration. */
const ours = `(select oid from pg_class where relnamespace = s.oid
                and relname in ('schema_migrations', 'schema_migrations_id_seq'))`;

const catalogQuery = `
  with s as (select oid from pg_namespace where nspname = $1),
  r as (
    select c.oid, c.relname, c.relkind, c.relfilenode, c.relacl, c.relowner from pg_class c, s
     where c.relnamespace = s.oid and c.relkind in ('r', 'p', 'v', 'm', 'S', 'f') and c.oid not in ${ours}
  )
  select
    (select json_object_agg(r.oid, json_build_object('name', r.relname, 'kind', r.relkind, 'file', r.relfilenode,
       'privileges', (select coalesce(json_agg(a.grantee::text || ' ' || a.privilege_type), '[]') from aclexplode(r.relacl) a
                       where a.grantee <> r.relowner)))
       from r) as relations,
    (select json_object_agg(oid, columns) from (
       select r.oid, json_object_agg(a.attnum, json_build_object('name', a.attname,
           'type', format_type(a.atttypid, a.atttypmod), 'notNull', a.attnotnull,
           'filled', a.atthasdef or a.attidentity <> '' or a.attgenerated <> '')) as columns
         from r join pg_attribute a on a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped
        where r.relkind in ('r', 'p', 'f') group by r.oid) each) as columns,
    (select json_object_agg(k.oid, json_build_object('name', k.conname, 'kind', k.contype, 'table', k.conrelid::text,
       'validated', k.convalidated)) from pg_constraint k join r on r.oid = k.conrelid) as constraints,
    (select json_object_agg(i.indexrelid, json_build_object('name', c.relname, 'table', i.indrelid::text))
       from pg_index i join r on r.oid = i.indrelid join pg_class c on c.oid = i.indexrelid) as indexes,
    (select json_object_agg(p.oid, p.oid::regprocedure::text) from pg_proc p, s where p.pronamespace = s.oid) as functions,
    (select json_object_agg(t.oid, t.typname) from pg_type t, s
      where t.typnamespace = s.oid and t.typtype in ('e', 'd', 'r')) as types,
    (select json_object_agg(e.oid, t.typname || '.' || e.enumlabel) from pg_enum e join pg_type t on t.oid = e.enumtypid, s
      where t.typnamespace = s.oid) as labels`;

export async function readCatalog(session: MigrationSession, schema: string): Promise<Catalog> {
  const [row] = await session.query<{ [Part in keyof Catalog]: Catalog[Part] | null }>(catalogQuery, [
    schema,
  ]);
  return {
    relations: row?.relations ?? {},
    columns: row?.columns ?? {},
    constraints: row?.constraints ?? {},
    indexes: row?.indexes ?? {},
    functions: row?.functions ?? {},
    types: row?.types ?? {},
    labels: row?.labels ?? {},
  };
}

const describeQuery = `
  with s as (select oid from pg_namespace where nspname = $1),
  r as (
    select c.* from pg_class c, s
     where c.relnamespace = s.oid and c.relkind in ('r', 'p', 'v', 'm', 'S', 'f') and c.oid not in ${ours}
  )
  select line from (
    select format('relation %s %s %s', relkind, relname, coalesce(
             (select string_agg(format('%s=%s', a.grantee::regrole, a.privilege_type), ' ' order by 1)
                from aclexplode(relacl) a), '')) as line from r
    union all
    select format('column %s.%s %s%s default %s %s%s', r.relname, a.attname, format_type(a.atttypid, a.atttypmod),
             case when a.attnotnull then ' not null' else '' end, coalesce(pg_get_expr(d.adbin, d.adrelid), '-'),
             a.attidentity, a.attgenerated)
      from r join pg_attribute a on a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped
      left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
     where r.relkind in ('r', 'p', 'f')
    union all
    -- One that has been validated need not become doubtful again.
    select format('constraint %s.%s %s', r.relname, k.conname, replace(pg_get_constraintdef(k.oid), ' NOT VALID', ''))
      from r join pg_constraint k on k.conrelid = r.oid where k.contype <> 'n'
    union all
    select format('index %s valid %s', pg_get_indexdef(i.indexrelid), i.indisvalid) from r join pg_index i on i.indrelid = r.oid
    union all
    select format('trigger %s', pg_get_triggerdef(t.oid)) from r join pg_trigger t on t.tgrelid = r.oid and not t.tgisinternal
    union all
    select format('view %s %s', r.relname, pg_get_viewdef(r.oid)) from r where r.relkind in ('v', 'm')
    union all
    select format('function %s %s', p.oid::regprocedure, md5(p.prosrc)) from pg_proc p, s where p.pronamespace = s.oid
    union all
    select format('type %s %s', t.typname, (select string_agg(e.enumlabel, ',' order by e.enumsortorder)
                                              from pg_enum e where e.enumtypid = t.oid))
      from pg_type t, s where t.typnamespace = s.oid and t.typtype in ('e', 'd', 'r')
  ) lines order by 1`;

/** All of a schema in lines that can be compared: two schemas that were made alike have the same ones. */
export async function describeSchema(session: MigrationSession, schema: string): Promise<string[]> {
  const rows = await session.query<{ line: string }>(describeQuery, [schema]);
  return rows.map(({ line }) => line.trim());
}
