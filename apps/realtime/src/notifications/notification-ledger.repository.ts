import type { NotificationKind } from '@rostrum/contracts';
import type { Queryable } from '@rostrum/data-access';
import { v7 as uuidv7 } from 'uuid';
import { nobody, sameness, type Deed } from './notification';

/** What is known about a deed before it is written down. */
export interface Standing {
  /** The actor is gone, or one of the two wants to hear nothing of the other. */
  unwanted: boolean;
  /** They have been told of the post that it made, as another kind. */
  knowsPost: boolean;
  /** The same deed, from before. */
  earlier: { groupId: string; withdrawn: boolean; doneAt: Date } | null;
  /** The unread notification that it can join. */
  openGroupId: string | null;
  ways: Partial<Record<NotificationKind, { inApp?: boolean }>> | null;
}

/** What makes a notification as good as new. */
export interface Change {
  position: number;
  /** Of its announcement. */
  eventId: string;
}

export interface Announcement extends Change {
  groupId: string;
  /** Of what has caused it. */
  traceparent: string | undefined;
}

/** A deed of somebody that was taken back. */
export interface TakenBack {
  recipientId: string;
  kind: NotificationKind;
  actorId: string;
  deed: string;
  at: Date;
}

const aboutOnePost: readonly NotificationKind[] = ['reply', 'quote', 'mention'];
const windowHours = 24;

/** Who did what to whom, as it is written down. All of it runs in the transaction of the event. */
export class NotificationLedger {
  constructor(private readonly db: Queryable) {}

  /**
   * Makes all other changes of this person's notifications wait, and counts this one. What is read after it has seen
   * every change that was counted before. Undefined for somebody who is gone.
   */
  async nextPosition(recipientId: string): Promise<number | undefined> {
    const { rows } = await this.db.query<{ last_position: string; deleted_at: Date | null }>(
      'next_notification_position',
      `insert into recipients (id, last_position) values ($1, 1)
       on conflict (id) do update set last_position = recipients.last_position + 1
       returning last_position, deleted_at`,
      [recipientId],
    );
    const [row] = rows;
    return row && row.deleted_at === null ? Number(row.last_position) : undefined;
  }

  /** Makes all other changes of these people's notifications wait. Always in one order: nobody waits for each other. */
  async hold(recipientIds: readonly string[]): Promise<void> {
    await this.db.query(
      'hold_recipients',
      `insert into recipients (id) select distinct unnest($1::uuid[]) order by 1
       on conflict (id) do update set last_position = recipients.last_position`,
      [recipientIds],
    );
  }

  async standingOf(deed: Deed): Promise<Standing> {
    const { kind, recipientId, actor, subjectId, postId } = deed;
    const { rows } = await this.db.query<Standing>(
      'notification_standing',
      `select
         exists (select from recipients where id = $2 and deleted_at is not null)
           or exists (select from avoidances
                       where active and ((person_id = $1 and other_id = $2)
                                      or (person_id = $2 and other_id = $1 and kind = 'block'))) as unwanted,
         exists (select from notification_deeds
                  where post_id = $6 and recipient_id = $1 and kind <> $3 and kind = any($7)) as "knowsPost",
         (select json_build_object('groupId', group_id, 'withdrawn', withdrawn, 'doneAt', done_at)
            from notification_deeds
           where recipient_id = $1 and kind = $3 and actor_id = $2 and deed = $4) as earlier,
         (select id from notification_groups
           where recipient_id = $1 and kind = $3 and subject_id is not distinct from $5 and read_at is null
             and actor_count > 0 and created_at > now() - interval '${windowHours} hours'
             and kind <> 'moderation'
           order by position desc limit 1 for update) as "openGroupId",
         (select ways from notification_settings where user_id = $1) as ways`,
      [
        ...[recipientId, actor?.id ?? nobody, kind, sameness(deed)],
        ...[subjectId ?? null, postId ?? null, aboutOnePost],
      ],
    );
    const [standing] = rows;
    if (!standing) throw new Error('A query of one row gave none');
    const { earlier } = standing;
    return { ...standing, earlier: earlier && { ...earlier, doneAt: new Date(earlier.doneAt) } };
  }

  async begin(deed: Deed, { position, eventId }: Change, inApp: boolean): Promise<string> {
    const id = uuidv7();
    await this.db.query(
      'begin_notification',
      `insert into notification_groups
         (id, recipient_id, position, event_id, kind, subject_id, moderation, in_app, actor_count,
          created_at, updated_at)
       values ($1, $2, $3, $4, $5, $6, $7, $8, 0, now(), now())`,
      [
        ...[id, deed.recipientId, position, eventId, deed.kind, deed.subjectId ?? null],
        ...[deed.moderation ? JSON.stringify(deed.moderation) : null, inApp],
      ],
    );
    return id;
  }

  async join(deed: Deed, groupId: string, { position, eventId }: Change): Promise<void> {
    const { recipientId, kind, actor, postId, at } = deed;
    await this.db.query(
      'note_deed',
      `insert into notification_deeds
         (recipient_id, kind, actor_id, deed, group_id, actor_username, post_id, position, done_at)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
      [
        ...[recipientId, kind, actor?.id ?? nobody, sameness(deed), groupId],
        ...[actor?.username ?? '', postId ?? null, position, at],
      ],
    );
    await this.recount([groupId], { position, eventId, newPostId: kind === 'mention' ? undefined : postId });
  }

  /** Done again after it was taken back: it has its old place. */
  async restore(deed: Deed, groupId: string): Promise<void> {
    const { recipientId, kind, actor, at } = deed;
    await this.db.query(
      'restore_deed',
      `update notification_deeds set withdrawn = false, done_at = $5
        where recipient_id = $1 and kind = $2 and actor_id = $3 and deed = $4`,
      [recipientId, kind, actor?.id ?? nobody, sameness(deed), at],
    );
    await this.recount([groupId]);
  }

  async withdraw({ recipientId, kind, actorId, deed, at }: TakenBack): Promise<void> {
    await this.changed(
      'withdraw_deed',
      `update notification_deeds set withdrawn = true, done_at = $5
        where recipient_id = $1 and kind = $2 and actor_id = $3 and deed = $4 and done_at <= $5`,
      [recipientId, kind, actorId, deed, at],
    );
  }

  /** All that the actors have done to the others: these hear of it no more. */
  async withdrawAllBetween(pairs: readonly { recipientId: string; actorId: string }[]): Promise<void> {
    await this.changed(
      'withdraw_deeds_between',
      `update notification_deeds set withdrawn = true
        where (recipient_id, actor_id) in (select * from unnest($1::uuid[], $2::uuid[]))`,
      [pairs.map(({ recipientId }) => recipientId), pairs.map(({ actorId }) => actorId)],
    );
  }

  /** A post is gone: what it did to others, and what others did to it. Those people must be held. */
  async forgetPost(postId: string): Promise<void> {
    await this.db.query('forget_subject', `delete from notification_groups where subject_id = $1`, [postId]);
    await this.changed('forget_post', 'delete from notification_deeds where post_id = $1', [postId]);
  }

  /** A post that nobody may see for now: who was told of it finds it no more. Its author is told why by others. */
  async withdrawPost(postId: string): Promise<void> {
    await this.changed('withdraw_post', `update notification_deeds set withdrawn = true where post_id = $1`, [
      postId,
    ]);
  }

  /** It may be seen again, and so is heard of again, but by those who want to hear nothing of its author. */
  async restorePost(postId: string): Promise<void> {
    await this.changed(
      'restore_post',
      `update notification_deeds d set withdrawn = false
        where post_id = $1 and withdrawn
          and not exists (select from avoidances
                           where active and ((person_id = d.recipient_id and other_id = d.actor_id)
                                          or (person_id = d.actor_id and other_id = d.recipient_id and kind = 'block')))`,
      [postId],
    );
  }

  async forgetActor(actorId: string): Promise<void> {
    await this.changed('forget_actor', 'delete from notification_deeds where actor_id = $1', [actorId]);
  }

  async recipientsAround(postId: string): Promise<string[]> {
    const { rows } = await this.db.query<{ id: string }>(
      'recipients_around_post',
      `select recipient_id as id from notification_groups where subject_id = $1
       union select recipient_id from notification_deeds where post_id = $1`,
      [postId],
    );
    return rows.map(({ id }) => id);
  }

  /** Written with the notification: whatever happens, somebody announces it. */
  async announce(
    { recipientId }: Deed,
    { groupId, position, eventId, traceparent }: Announcement,
  ): Promise<void> {
    await this.db.query(
      'add_notification_delivery',
      `insert into notification_deliveries (id, recipient_id, group_id, position, traceparent)
       values ($1, $2, $3, $4, $5)`,
      [eventId, recipientId, groupId, position, traceparent ?? null],
    );
  }

  private async changed(operation: string, change: string, values: readonly unknown[]): Promise<void> {
    const { rows } = await this.db.query<{ group_id: string }>(
      operation,
      `${change} returning group_id`,
      values,
    );
    if (rows.length > 0) await this.recount(rows.map(({ group_id: id }) => id));
  }

  /** Counts people, not deeds. */
  private async recount(
    groupIds: readonly string[],
    { position, eventId, newPostId }: Partial<Change> & { newPostId?: string | undefined } = {},
  ): Promise<void> {
    await this.db.query(
      'recount_notifications',
      `update notification_groups g
          set actor_count = (select count(distinct actor_id) from notification_deeds
                              where group_id = g.id and not withdrawn),
              position = coalesce($2, g.position),
              event_id = coalesce($4, g.event_id),
              updated_at = case when $2::bigint is null then g.updated_at else now() end,
              new_post_id = coalesce($3, case when $2::bigint is null then (
                select post_id from notification_deeds
                 where group_id = g.id and not withdrawn and kind <> 'mention'
                 order by position desc limit 1) end)
        where id = any($1::uuid[])`,
      [groupIds, position ?? null, newPostId ?? null, eventId ?? null],
    );
  }
}
