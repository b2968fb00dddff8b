import { createHash } from 'node:crypto';
import type { Queryable } from '@rostrum/data-access';
import { v7 as uuidv7 } from 'uuid';

export interface NewSubscription {
  userId: string;
  sessionId: string;
  endpoint: string;
  p256dh: string;
  auth: string;
}

export class PushSubscriptionsRepository {
  constructor(private readonly db: Queryable) {}

  /** A browser has one subscription: whoever signs in there next takes it over. */
  async put({ userId, sessionId, endpoint, p256dh, auth }: NewSubscription): Promise<string> {
    const { rows } = await this.db.query<{ id: string }>(
      'put_push_subscription',
      `insert into push_subscriptions (id, user_id, session_id, endpoint, endpoint_hash, p256dh, auth)
       values ($1, $2, $3, $4, $5, $6, $7)
       on conflict (endpoint_hash) do update
         set id = case when push_subscriptions.user_id = excluded.user_id then push_subscriptions.id
                       else excluded.id end,
             user_id = excluded.user_id, session_id = excluded.session_id, p256dh = excluded.p256dh,
             auth = excluded.auth, created_at = now()
       returning id`,
      [uuidv7(), userId, sessionId, endpoint, hashOf(endpoint), p256dh, auth],
    );
    return rows[0]?.id ?? '';
  }

  /** What waited for whoever had it before is not for the next one. */
  async forgetMessagesOfOthers(endpoint: string, userId: string): Promise<void> {
    await this.db.query(
      'forget_push_messages_of_others',
      `delete from push_messages where subscription_id in (
         select id from push_subscriptions where endpoint_hash = $1 and user_id <> $2)`,
      [hashOf(endpoint), userId],
    );
  }

  async keepNewest(userId: string, most: number): Promise<void> {
    await this.db.query(
      'keep_newest_push_subscriptions',
      `delete from push_subscriptions where id in (
         select id from push_subscriptions where user_id = $1 order by created_at desc, id desc offset $2)`,
      [userId, most],
    );
  }

  async remove(userId: string, endpoint: string): Promise<void> {
    await this.db.query(
      'remove_push_subscription',
      'delete from push_subscriptions where user_id = $1 and endpoint_hash = $2',
      [userId, hashOf(endpoint)],
    );
  }

  async removeById(id: string): Promise<void> {
    await this.db.query('remove_push_subscription_by_id', 'delete from push_subscriptions where id = $1', [
      id,
    ]);
  }

  /** Of sessions that have ended. */
  async removeOfSessions(sessionIds: readonly string[]): Promise<void> {
    await this.db.query(
      'remove_push_subscriptions_of_sessions',
      'delete from push_subscriptions where session_id = any($1::uuid[])',
      [sessionIds],
    );
  }

  /** Of people all of whose sessions until a moment have ended. */
  async removeOfPerson(userId: string, until: Date): Promise<void> {
    await this.db.query(
      'remove_push_subscriptions_of_person',
      'delete from push_subscriptions where user_id = $1 and created_at <= $2',
      [userId, until],
    );
  }

  async has(userId: string): Promise<boolean> {
    const { rowCount } = await this.db.query(
      'has_push_subscription',
      'select from push_subscriptions where user_id = $1 limit 1',
      [userId],
    );
    return rowCount > 0;
  }
}

function hashOf(endpoint: string): Buffer {
  return createHash('sha256').update(endpoint).digest();
}
