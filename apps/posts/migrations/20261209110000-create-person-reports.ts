import type { Knex } from 'knex';

/** What is reported of people, and what moderators do about it; as it is of posts. */
export async function up(knex: Knex): Promise<void> {
  await createCases(knex);
  await createReports(knex);
  await createLog(knex);
  for (const table of ['person_reports', 'person_moderation_log'])
    await forEachService(knex, table, `revoke update, delete, truncate on posts.${table} from %s`);
  // Whoever leaves is forgotten.
  await forEachService(knex, 'person_reports', 'grant delete on posts.person_reports to %s');
  await forEachService(
    knex,
    'person_reports',
    'grant update (reporter_id, note) on posts.person_reports to %s',
  );
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table person_moderation_log, person_reports, person_cases');
}

async function createCases(knex: Knex): Promise<void> {
  await knex.raw(`
    create table person_cases (
      person_id uuid primary key references profiles,
      state     text not null check (state in ('open', 'escalated', 'closed')),
      position  uuid not null,
      since     timestamptz not null default now(),
      round     integer not null default 1
    )`);
  await knex.raw('create index person_moderation_queue on person_cases (state, position)');
}

async function createReports(knex: Knex): Promise<void> {
  await knex.raw(`
    create table person_reports (
      id          uuid primary key,
      person_id   uuid not null references profiles,
      reporter_id uuid,
      reason      text not null,
      note        text,
      round       integer not null,
      created_at  timestamptz not null default now(),
      unique (reporter_id, person_id)
    )`);
  await knex.raw('create index reports_of_person on person_reports (person_id, round, id)');
}

async function createLog(knex: Knex): Promise<void> {
  await knex.raw(`
    create table person_moderation_log (
      seq        bigint generated always as identity primary key,
      id         uuid not null unique,
      person_id  uuid not null,
      kind       text not null check (kind in ('escalated', 'closed')),
      actor_id   uuid not null,
      reason     text not null,
      created_at timestamptz not null default clock_timestamp()
    )`);
  await knex.raw('create index person_moderation_log_of on person_moderation_log (person_id, seq)');
  await knex.raw(`
    create trigger unchangeable before update or delete or truncate on person_moderation_log
      for each statement execute function moderation_refuse_change()`);
}

async function forEachService(knex: Knex, table: string, statement: string): Promise<void> {
  await knex.raw(`
    do $$
    declare role text;
    begin
      for role in
        select distinct grantee::regrole::text from pg_class, aclexplode(relacl)
         where oid = 'posts.${table}'::regclass and grantee not in (0, relowner)
      loop
        execute format('${statement}', role);
      end loop;
    end $$`);
}
