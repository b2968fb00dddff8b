import type { AdminAction } from '@rostrum/service-kit';
import type { MailJobsRepository } from './mail-jobs.repository';

const mostListed = 100;

/** What an operator does about mail that was given up. */
export function mailActions(
  jobs: Pick<MailJobsRepository, 'listDead' | 'reviveDead'>,
): Record<string, AdminAction> {
  return {
    'GET /admin/dead-mail': async () => ({ status: 200, body: { items: await jobs.listDead(mostListed) } }),
    'POST /admin/dead-mail/replay': async () => ({
      status: 200,
      body: { replayed: await jobs.reviveDead() },
    }),
  };
}
