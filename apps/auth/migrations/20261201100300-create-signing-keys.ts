import type { Knex } from 'knex';

/**
 * A key is published from the moment it is here, signs from `signs_from` until another one does, and is published until
 * nothing that it has signed can be valid. Once it must not sign any more its private half is removed.
 */
export async function up(knex: Knex): Promise<void> {
  await knex.raw(`
    create table signing_keys (
      kid text primary key,
      public_jwk jsonb not null,
      sealed_private_key bytea,
      created_at timestamptz not null default clock_timestamp(),
      -- Null: waits to be the next one.
      signs_from timestamptz,
      revoked_at timestamptz,
      revoked_because text
    );
    create unique index signing_keys_one_waits on signing_keys ((true))
      where signs_from is null and revoked_at is null;
  `);
  await letReseal(knex);
}

/** The service may put the audit key under another data key, and may not change anything else about it. */
async function letReseal(knex: Knex): Promise<void> {
  await knex.raw(`
    do $$
    declare role text;
    begin
      for role in
        select distinct grantee::regrole::text from pg_class, aclexplode(relacl)
         where oid = 'auth.audit_keys'::regclass and grantee not in (0, relowner)
      loop
        execute format('grant update (sealed_private_key) on auth.audit_keys to %s', role);
      end loop;
    end $$`);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table signing_keys');
}
