import type { Queryable } from '@rostrum/data-access';
import type { SealedAddress } from './addresses';

export class OldAddressesRepository {
  constructor(private readonly db: Queryable) {}

  async take(): Promise<{ id: string; email: string } | undefined> {
    const { rows } = await this.db.query<{ id: string; email: string }>(
      'take_old_address',
      'select id, lower(email) as email from users where email is not null limit 1 for update skip locked',
    );
    return rows[0];
  }

  async replace(id: string, { sealed, index }: SealedAddress): Promise<void> {
    await this.db.query(
      'replace_old_address',
      'update users set email = null, email_sealed = $2, email_index = $3 where id = $1',
      [id, sealed, index],
    );
  }
}
