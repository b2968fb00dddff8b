import type { ModerationEntry } from '@rostrum/contracts';
import type { Queryable, QueryOptions } from '@rostrum/data-access';
import { v7 as uuidv7 } from 'uuid';

export type EntryKind = ModerationEntry['kind'];

export interface NewEntry {
  postId: string;
  kind: EntryKind;
  actorId: string;
  reason?: string;
  /** Of the post as it was. */
  version: number;
  /** The decision to hide that it takes back or upholds. */
  about?: string | undefined;
}

export interface Entry {
  id: string;
  kind: EntryKind;
  actorId: string;
  actorName: string | null;
  reason: string | null;
  version: number;
  at: Date;
  appealText: string | null;
  appealedAt: Date | null;
  /** What has come of it: an appeal of which nothing has come waits. */
  outcome: 'restored' | 'upheld' | null;
}

/** All that moderators do. The role that the service runs as can add to it and nothing else. */
export class ModerationLog {
  constructor(private readonly db: Queryable) {}

  async add({ postId, kind, actorId, reason, version, about }: NewEntry): Promise<{ id: string; at: Date }> {
    const id = uuidv7();
    const { rows } = await this.db.query<{ at: Date }>(
      'add_moderation_entry',
      `insert into moderation_log (id, post_id, kind, actor_id, reason, version, about)
       values ($1, $2, $3, $4, $5, $6, $7) returning created_at as at`,
      [id, postId, kind, actorId, reason ?? null, version, about ?? null],
    );
    const [row] = rows;
    if (!row) throw new Error('An entry of the log was inserted and is not there');
    return { id, at: row.at };
  }

  /** That somebody has read those of these posts that are not for everybody, each in the case that it is in. */
  async noteReading(actorId: string, postIds: readonly string[], options?: QueryOptions): Promise<void> {
    if (postIds.length === 0) return;
    await this.db.query(
      'note_moderation_reading',
      `insert into moderation_log (id, post_id, kind, actor_id, version, round)
       select gen_random_uuid(), p.id, 'read', $1, p.version, c.round
         from posts p
         join profiles a on a.user_id = p.author_id
         left join moderation_cases c on c.post_id = p.id
        where p.id = any($2) and p.deleted_at is null and (p.visibility <> 'public' or a.is_private)`,
      [actorId, postIds],
      options,
    );
  }

  async lastHiding(postId: string): Promise<{ id: string; actorId: string } | undefined> {
    const { rows } = await this.db.query<{ id: string; actorId: string }>(
      'find_last_hiding',
      `select id, actor_id as "actorId" from moderation_log
        where post_id = $1 and kind = 'hidden' order by seq desc limit 1`,
      [postId],
    );
    return rows[0];
  }

  /** Newest first, each with the appeal against it. */
  async of(
    postId: string,
    { kinds, limit }: { kinds: readonly EntryKind[]; limit: number },
    options?: QueryOptions,
  ): Promise<Entry[]> {
    const { rows } = await this.db.query<Entry>(
      'list_moderation_entries',
      `select l.id, l.kind, l.actor_id as "actorId", m.username as "actorName", l.reason, l.version,
              l.created_at as at, a.text as "appealText", a.created_at as "appealedAt",
              case when l.kind = 'hidden' then
                (select o.kind from moderation_log o
                  where o.post_id = l.post_id and o.seq > l.seq and o.about = l.id order by o.seq limit 1)
              end as outcome
         from moderation_log l
         left join profiles m on m.user_id = l.actor_id
         left join post_appeals a on a.decision_id = l.id
        where l.post_id = $1 and l.kind = any($2) order by l.seq desc limit $3`,
      [postId, kinds, limit],
      options,
    );
    return rows;
  }
}
