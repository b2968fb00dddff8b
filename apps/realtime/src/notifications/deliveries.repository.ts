import type { Queryable } from '@rostrum/data-access';

/** That somebody is to be told of a notification: with the open sockets first, then, where nobody is there, by push. */
export interface Delivery {
  /** The same however often it is tried: clients drop what they know. */
  id: string;
  recipientId: string;
  groupId: string;
  /** Of the notification when this was written; one that is behind has a successor. */
  position: number;
  traceparent: string | null;
  announced: boolean;
}

export class DeliveriesRepository {
  constructor(private readonly db: Queryable) {}

  /** Takes what is due for so long: if its taker dies, it is due again. */
  async take(limit: number, leaseSeconds: number): Promise<Delivery[]> {
    const { rows } = await this.db.query<Omit<Delivery, 'position'> & { position: string }>(
      'take_notification_deliveries',
      `update notification_deliveries set due_at = now() + $2 * interval '1 second'
        where id in (select id from notification_deliveries where due_at <= now()
                      order by due_at, id limit $1 for update skip locked)
       returning id, recipient_id as "recipientId", group_id as "groupId", position, traceparent, announced`,
      [limit, leaseSeconds],
    );
    return rows
      .map((row) => ({ ...row, position: Number(row.position) }))
      .sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  async finish(ids: readonly string[]): Promise<void> {
    await this.db.query(
      'finish_notification_deliveries',
      'delete from notification_deliveries where id = any($1::uuid[])',
      [ids],
    );
  }

  /** What has been announced and has to wait for the rest. */
  async putOff(id: string, until: Date): Promise<void> {
    await this.db.query(
      'put_off_notification_delivery',
      'update notification_deliveries set announced = true, due_at = $2 where id = $1',
      [id, until],
    );
  }

  async waiting(): Promise<number> {
    const { rows } = await this.db.query<{ count: number }>(
      'count_notification_deliveries',
      'select count(*)::int as count from notification_deliveries where due_at <= now()',
    );
    return rows[0]?.count ?? 0;
  }
}
