import type { Knex } from 'knex';

/** What is reported, and what moderators do about it. */
export async function up(knex: Knex): Promise<void> {
  await createCases(knex);
  await createReports(knex);
  await createLog(knex);
  await createAppeals(knex);
  for (const table of ['post_reports', 'post_appeals', 'moderation_log']) await addOnly(knex, table);
  await forEachService(knex, 'post_reports', 'grant update (reporter_id, note) on posts.post_reports to %s');
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table post_appeals, moderation_log, post_reports, moderation_cases');
  await knex.raw('drop function moderation_refuse_change()');
}

/** Where a post stands. `position` is a UUIDv7 of when it came there: the order of the queue. */
async function createCases(knex: Knex): Promise<void> {
  await knex.raw(`
    create table moderation_cases (
      post_id       uuid primary key references posts on delete cascade,
      state         text not null check (state in ('open', 'hidden', 'appealed', 'restored', 'dismissed')),
      position      uuid not null,
      since         timestamptz not null default now(),
      round         integer not null default 1,
      claimed_by    uuid,
      claimed_until timestamptz,
      constraint moderation_cases_claim_ends check ((claimed_by is null) = (claimed_until is null))
    )`);
  await knex.raw('create index moderation_queue on moderation_cases (state, position)');
  await knex.raw(
    'create index moderation_claims on moderation_cases (claimed_by) where claimed_by is not null',
  );
}

/** Who has reported is forgotten with their account; that somebody has, is not. `version`: what the post said then. */
async function createReports(knex: Knex): Promise<void> {
  await knex.raw(`
    create table post_reports (
      id          uuid primary key,
      post_id     uuid not null references posts on delete cascade,
      reporter_id uuid,
      reason      text not null,
      note        text,
      version     integer not null,
      round       integer not null,
      created_at  timestamptz not null default now(),
      unique (reporter_id, post_id)
    )`);
  await knex.raw('create index reports_of_post on post_reports (post_id, round, id)');
}

/**
 * All that moderators do, whatever becomes of the post. `about` is the decision to hide that an entry takes back or
 * upholds.
 */
async function createLog(knex: Knex): Promise<void> {
  await knex.raw(`
    create table moderation_log (
      seq        bigint generated always as identity primary key,
      id         uuid not null unique,
      post_id    uuid not null,
      kind       text not null
        check (kind in ('claimed', 'released', 'hidden', 'restored', 'dismissed', 'upheld')),
      actor_id   uuid not null,
      reason     text,
      version    integer not null,
      about      uuid,
      created_at timestamptz not null default clock_timestamp(),
      constraint moderation_log_decisions_have_reasons
        check ((reason is null) = (kind in ('claimed', 'released')))
    )`);
  await knex.raw('create index moderation_log_of_post on moderation_log (post_id, seq)');
  await knex.raw(`
    create function moderation_refuse_change() returns trigger language plpgsql as $$
    begin
      raise exception '% is append-only', tg_table_name;
    end $$`);
  await knex.raw(`
    create trigger unchangeable before update or delete or truncate on moderation_log
      for each statement execute function moderation_refuse_change()`);
}

/** One for each decision to hide. What came of it stands in the log. */
async function createAppeals(knex: Knex): Promise<void> {
  await knex.raw(`
    create table post_appeals (
      decision_id uuid primary key,
      post_id     uuid not null references posts on delete cascade,
      text        text not null,
      created_at  timestamptz not null default now()
    )`);
  await knex.raw('create index appeals_of_post on post_appeals (post_id)');
}

/** The default privileges give the service every right to rows; to these it may only add. */
function addOnly(knex: Knex, table: string): Promise<void> {
  return forEachService(knex, table, `revoke update, delete, truncate on posts.${table} from %s`);
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
