import type { Knex } from 'knex';

/** What an event says is in `body` alone; the columns are made of it, so that nobody can change one without the other. */
const events = `
  create table audit_events (
    chain smallint not null check (chain between 0 and 15),
    seq bigint not null,
    body text not null check (length(body) <= 16384),
    previous_hash bytea not null,
    hash bytea not null,
    id uuid not null generated always as ((body::jsonb ->> 'id')::uuid) stored,
    occurred_at timestamptz not null
      generated always as (to_timestamp((body::jsonb ->> 'at')::bigint / 1000.0)) stored,
    action text not null generated always as (body::jsonb ->> 'action') stored,
    result text not null generated always as (body::jsonb ->> 'result') stored,
    actor_id uuid generated always as ((body::jsonb #>> '{actor,id}')::uuid) stored,
    subject_id uuid generated always as ((body::jsonb ->> 'subjectId')::uuid) stored,
    primary key (chain, seq)
  );
  create index audit_events_occurred_at_idx on audit_events (occurred_at desc, id desc);
  create index audit_events_actor_idx on audit_events (actor_id, occurred_at desc, id desc);
  create index audit_events_subject_idx on audit_events (subject_id, occurred_at desc, id desc);
`;

/** The trigger numbers and hashes, so that the service cannot write a row that does not fit its chain. */
const rules = `
  create function audit_events_append() returns trigger language plpgsql as $$
  declare
    last_seq bigint;
    last_hash bytea;
  begin
    perform pg_advisory_xact_lock(hashtext('auth.audit_events'), new.chain);
    select seq, hash into last_seq, last_hash
      from auth.audit_events where chain = new.chain order by seq desc limit 1;
    new.seq := coalesce(last_seq, 0) + 1;
    new.previous_hash := coalesce(last_hash, decode(repeat('00', 32), 'hex'));
    new.hash := sha256(
      new.previous_hash || int2send(new.chain) || int8send(new.seq) || convert_to(new.body, 'UTF8')
    );
    return new;
  end $$;
  create trigger append before insert on audit_events
    for each row execute function audit_events_append();

  -- Nobody changes an event, whatever role they have; what is too old is removed, and that is signed for.
  create function audit_refuse_change() returns trigger language plpgsql as $$
  begin
    raise exception '% is append-only', tg_table_name;
  end $$;
  create trigger unchangeable before update or truncate on audit_events
    for each statement execute function audit_refuse_change();
`;

const checkpoints = `
  create table audit_checkpoints (
    position bigint primary key,
    body text not null,
    signature bytea not null,
    created_at timestamptz not null default now()
  );
  create trigger unchangeable before update or delete or truncate on audit_checkpoints
    for each statement execute function audit_refuse_change();

  -- The key that signs checkpoints, its private half sealed.
  create table audit_keys (
    id text primary key,
    public_key bytea not null,
    sealed_private_key bytea not null,
    created_at timestamptz not null default now()
  );
`;

/** There are sixteen chains, each with a lock of its own that is held to the end of the transaction. */
export async function up(knex: Knex): Promise<void> {
  for (const statements of [events, rules, checkpoints]) await knex.raw(statements);
  await appendOnly(knex, ['audit_events', 'audit_checkpoints', 'audit_keys']);
}

/** The default privileges give the service every right to rows; of these tables it may only add to them and read. */
async function appendOnly(knex: Knex, tables: readonly string[]): Promise<void> {
  for (const table of tables) {
    await knex.raw(`
      do $$
      declare role text;
      begin
        for role in
          select distinct grantee::regrole::text from pg_class, aclexplode(relacl)
           where oid = 'auth.${table}'::regclass and grantee not in (0, relowner)
        loop
          execute format('revoke update, delete, truncate on auth.${table} from %s', role);
        end loop;
      end $$`);
  }
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(`
    drop table audit_keys, audit_checkpoints, audit_events;
    drop function audit_events_append(), audit_refuse_change();
  `);
}
