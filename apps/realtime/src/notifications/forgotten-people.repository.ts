import type { Queryable } from '@rostrum/data-access';
import { NotificationLedger } from './notification-ledger.repository';

/** What is theirs alone. */
const own: Readonly<Record<string, string>> = {
  forget_deliveries: 'delete from notification_deliveries where recipient_id = $1',
  forget_notifications: 'delete from notification_groups where recipient_id = $1',
  forget_first_notifications: 'delete from notifications where recipient_id = $1 or actor_id = $1',
  forget_avoidances: 'delete from avoidances where person_id = $1 or other_id = $1',
  forget_presence_choice: 'delete from invisible_people where user_id = $1',
  forget_push_subscriptions: 'delete from push_subscriptions where user_id = $1',
  forget_digests: 'delete from digests where user_id = $1',
  forget_settings: 'delete from notification_settings where user_id = $1',
};

export class ForgottenPeopleRepository {
  constructor(private readonly db: Queryable) {}

  /** What comes of them after this is dropped: their id is kept for as long as that can be, and nothing else. */
  async forget(userId: string, at: Date): Promise<void> {
    const ledger = new NotificationLedger(this.db);
    const { rows } = await this.db.query<{ id: string }>(
      'recipients_of_actor',
      'select distinct recipient_id as id from notification_deeds where actor_id = $1',
      [userId],
    );
    await ledger.hold([userId, ...rows.map(({ id }) => id)]);
    await this.db.query(
      'mark_recipient_deleted',
      'update recipients set deleted_at = coalesce(deleted_at, $2) where id = $1',
      [userId, at],
    );
    for (const [operation, text] of Object.entries(own)) await this.db.query(operation, text, [userId]);
    await ledger.forgetActor(userId);
  }

  async removeOlderThan(days: number, limit: number): Promise<number> {
    const { rowCount } = await this.db.query(
      'remove_forgotten_people',
      `delete from recipients where id in (
         select id from recipients where deleted_at < now() - $1 * interval '1 day' limit $2 for update skip locked)`,
      [days, limit],
    );
    return rowCount;
  }
}
