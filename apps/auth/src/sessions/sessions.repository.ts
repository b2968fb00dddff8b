import type { Queryable } from '@rostrum/data-access';
import type { Session } from './session';

export class SessionsRepository {
  constructor(private readonly db: Queryable) {}

  async insert({ id, userId, createdAt, expiresAt }: Session): Promise<void> {
    await this.db.query(
      'insert_session',
      'insert into sessions (id, user_id, created_at, expires_at) values ($1, $2, $3, $4)',
      [id, userId, createdAt, expiresAt],
    );
  }
}
