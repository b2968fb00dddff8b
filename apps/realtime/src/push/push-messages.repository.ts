import type { Queryable } from '@rostrum/data-access';

/** A push that is to be sent, and where to. */
export interface PushMessage {
  id: string;
  subscriptionId: string;
  groupId: string;
  position: number;
  attempts: number;
  createdAt: Date;
  endpoint: string;
  p256dh: string;
  auth: string;
}

export class PushMessagesRepository {
  constructor(private readonly db: Queryable) {}

  /** To each browser of the recipient. What it was to be told of the same before is what it is told now. */
  async add(groupId: string, recipientId: string, position: number): Promise<void> {
    await this.db.query(
      'add_push_messages',
      `insert into push_messages (id, subscription_id, group_id, position)
       select gen_random_uuid(), id, $1, $3 from push_subscriptions where user_id = $2
       on conflict (subscription_id, group_id) do update
         set position = greatest(push_messages.position, excluded.position)`,
      [groupId, recipientId, position],
    );
  }

  /** Takes what is due for so long: if its taker dies, it is due again. */
  async take(limit: number, leaseSeconds: number): Promise<PushMessage[]> {
    const { rows } = await this.db.query<Omit<PushMessage, 'position'> & { position: string }>(
      'take_push_messages',
      `update push_messages m set due_at = now() + $2 * interval '1 second', attempts = attempts + 1
         from push_subscriptions s
        where s.id = m.subscription_id
          and m.id in (select id from push_messages where due_at <= now()
                        order by due_at limit $1 for update skip locked)
       returning m.id, m.subscription_id as "subscriptionId", m.group_id as "groupId", m.position, m.attempts,
                 m.created_at as "createdAt", s.endpoint, s.p256dh, s.auth`,
      [limit, leaseSeconds],
    );
    return rows.map((row) => ({ ...row, position: Number(row.position) }));
  }

  /** Unless it has grown newer meanwhile: then it is due again. */
  async finish(id: string, position: number): Promise<void> {
    await this.db.query(
      'finish_push_message',
      `with kept as (update push_messages set due_at = now(), attempts = 0 where id = $1 and position > $2)
       delete from push_messages where id = $1 and position <= $2`,
      [id, position],
    );
  }

  async postpone(id: string, seconds: number): Promise<void> {
    await this.db.query(
      'postpone_push_message',
      `update push_messages set due_at = now() + $2 * interval '1 second' where id = $1`,
      [id, seconds],
    );
  }

  /** As `postpone`, for what was taken but not tried. */
  async takeBack(id: string, seconds: number): Promise<void> {
    await this.db.query(
      'take_back_push_message',
      `update push_messages set due_at = now() + $2 * interval '1 second', attempts = greatest(attempts - 1, 0)
        where id = $1`,
      [id, seconds],
    );
  }

  async waiting(): Promise<number> {
    const { rows } = await this.db.query<{ count: number }>(
      'count_push_messages',
      'select count(*)::int as count from push_messages',
    );
    return rows[0]?.count ?? 0;
  }
}
