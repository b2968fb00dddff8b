import type { Queryable } from '@rostrum/data-access';
import type { StoredPassword } from '../accounts/account';
import { saltOf, type PasswordHasher } from './password-hasher';
import { PasswordsRepository } from './passwords.repository';

/** Makes the hash of a password that was just proven as strong as new ones are. */
export class PasswordRenewal {
  constructor(
    private readonly db: Queryable,
    private readonly hasher: Pick<PasswordHasher, 'hash'>,
  ) {}

  async renew(
    userId: string,
    { stored, password }: { stored: StoredPassword; password: string },
  ): Promise<void> {
    const renewed = await this.hasher.hash(password, { salt: saltOf(stored.hash) });
    await new PasswordsRepository(this.db).replace(userId, { stored, renewed });
  }
}
