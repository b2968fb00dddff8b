import type { Transaction } from '@rostrum/data-access';
import { adminErrors } from './admin.errors';
import { UsersRepository } from './users.repository';

/**
 * To be asked in the transaction that makes somebody less than an active admin, before it does. Holds on until the
 * transaction ends, so that of two admins who remove each other at once one stays.
 */
export async function assertNotLastAdmin(trx: Transaction, userId: string): Promise<void> {
  const users = new UsersRepository(trx);
  await users.lockAdmins();
  const user = await users.find(userId);
  if (user?.roles.includes('admin') && !(await users.hasOtherAdmin(userId))) throw adminErrors.lastAdmin();
}
