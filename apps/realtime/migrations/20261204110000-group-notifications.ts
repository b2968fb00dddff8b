import type { Knex } from 'knex';

/**
 * What several people do to one thing is one notification. `notifications`, which had one row for each follower, is
 * copied and then left to the version before.
 */
export async function up(knex: Knex): Promise<void> {
  await createGroups(knex);
  await createDeeds(knex);
  await createSurroundings(knex);
  await copyFollowers(knex);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('drop table notification_settings, avoidances, notification_deliveries');
  await knex.raw('drop table notification_deeds, notification_groups, recipients');
}

/** Positions are counted per recipient under a lock on the recipient's row: they are in the order of the commits. */
async function createGroups(knex: Knex): Promise<void> {
  await knex.raw(`
    create table recipients (
      id            uuid primary key,
      last_position bigint not null default 0,
      deleted_at    timestamptz
    )`);
  await knex.raw(`
    create table notification_groups (
      id           uuid primary key,
      recipient_id uuid not null references recipients,
      position     bigint not null,
      -- Of the announcement of the last change.
      event_id     uuid not null,
      kind         text not null,
      -- The recipient's post that it is about, or the post that names them.
      subject_id   uuid,
      new_post_id  uuid,
      moderation   jsonb,
      in_app       boolean not null,
      actor_count  integer not null check (actor_count >= 0),
      created_at   timestamptz not null,
      updated_at   timestamptz not null,
      read_at      timestamptz
    )`);
  await knex.raw(
    'create unique index notification_groups_of on notification_groups (recipient_id, position desc)',
  );
  await knex.raw(`
    create index notification_groups_unread on notification_groups (recipient_id, kind, subject_id)
      where read_at is null`);
  await knex.raw(`
    create index notification_groups_about on notification_groups (subject_id) where subject_id is not null`);
  await knex.raw('create index notification_groups_age on notification_groups (updated_at)');
}

/** A deed that was taken back stays: done again, it tells nobody anew. */
async function createDeeds(knex: Knex): Promise<void> {
  await knex.raw(`
    create table notification_deeds (
      recipient_id   uuid not null,
      kind           text not null,
      actor_id       uuid not null,
      -- What was done it to: with the three before, what makes a deed the same.
      deed           text not null,
      group_id       uuid not null references notification_groups on delete cascade,
      actor_username text not null,
      post_id        uuid,
      position       bigint not null,
      done_at        timestamptz not null,
      withdrawn      boolean not null default false,
      primary key (recipient_id, kind, actor_id, deed)
    )`);
  await knex.raw('create index notification_deeds_in on notification_deeds (group_id, position desc)');
  await knex.raw('create index notification_deeds_by on notification_deeds (actor_id, recipient_id)');
  await knex.raw(
    'create index notification_deeds_with on notification_deeds (post_id) where post_id is not null',
  );
}

async function createSurroundings(knex: Knex): Promise<void> {
  // Written with the notification, removed when everybody who should know of it has been told.
  await knex.raw(`
    create table notification_deliveries (
      id           uuid primary key,
      recipient_id uuid not null,
      group_id     uuid not null references notification_groups on delete cascade,
      position     bigint not null,
      traceparent  text,
      announced    boolean not null default false,
      due_at       timestamptz not null default now()
    )`);
  await knex.raw('create index notification_deliveries_due on notification_deliveries (due_at)');
  await knex.raw('create index notification_deliveries_of on notification_deliveries (group_id)');
  await knex.raw('create index notification_deliveries_to on notification_deliveries (recipient_id)');
  // Who wants to hear nothing of whom. An ended one stays: what arrives late must not bring it back.
  await knex.raw(`
    create table avoidances (
      person_id  uuid not null,
      other_id   uuid not null,
      kind       text not null check (kind in ('block', 'mute')),
      active     boolean not null,
      changed_at timestamptz not null,
      primary key (person_id, other_id, kind)
    )`);
  await knex.raw('create index avoidances_other_way on avoidances (other_id, person_id)');
  await knex.raw(`
    create table notification_settings (
      user_id     uuid primary key,
      ways        jsonb not null default '{}',
      quiet_from  smallint check (quiet_from between 0 and 1439),
      quiet_to    smallint check (quiet_to between 0 and 1439),
      time_zone   text not null default 'UTC',
      digest_hour smallint not null default 8 check (digest_hour between 0 and 23),
      wants_mail  boolean not null default false
    )`);
  await knex.raw(
    'create index notification_settings_mail on notification_settings (user_id) where wants_mail',
  );
}

async function copyFollowers(knex: Knex): Promise<void> {
  await knex.raw(`
    insert into recipients (id, last_position)
    select recipient_id, count(*) from notifications group by recipient_id`);
  await knex.raw(`
    insert into notification_groups
           (id, event_id, recipient_id, position, kind, in_app, actor_count, created_at, updated_at, read_at)
    select id, id, recipient_id, row_number() over (partition by recipient_id order by id), kind, true, 1,
           created_at, created_at, read_at
      from notifications`);
  await knex.raw(`
    insert into notification_deeds
           (recipient_id, kind, actor_id, deed, group_id, actor_username, position, done_at)
    select n.recipient_id, n.kind, n.actor_id, '', n.id, n.actor_username, g.position, n.created_at
      from notifications n join notification_groups g on g.id = n.id`);
}
