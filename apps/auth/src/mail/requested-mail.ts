import { mailRequested } from '@rostrum/contracts';
import { onEvent, type Subscription } from '@rostrum/service-kit';
import type { MailJobs } from './mail-jobs';

/** Mail that other services want somebody to have. They know no addresses, and this service does not know what it is about. */
export function sendRequestedMail(mail: Pick<MailJobs, 'add'>): Subscription {
  return onEvent(mailRequested, ({ userId, mail: kind, unread }, { trx }) => {
    const details = Object.fromEntries(Object.entries(unread).map(([of, count]) => [of, String(count)]));
    return mail.add(trx, { kind, userId, details });
  });
}
