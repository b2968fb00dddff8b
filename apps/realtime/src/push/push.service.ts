import { ECDH } from 'node:crypto';
import type { Database } from '@rostrum/data-access';
import { pushErrors } from './push.errors';
import type { PushServices } from './push-services';
import type { VapidKeys } from './push-settings';
import { PushSubscriptionsRepository, type NewSubscription } from './push-subscriptions.repository';

const mostPerPerson = 20;

export class PushService {
  constructor(
    private readonly database: Database,
    private readonly services: Pick<PushServices, 'find'>,
    private readonly keys: VapidKeys | undefined,
  ) {}

  publicKey(): string {
    if (!this.keys) throw pushErrors.notSetUp();
    return this.keys.publicKey;
  }

  async subscribe(subscription: NewSubscription, signal: AbortSignal): Promise<string> {
    this.publicKey();
    if (!this.services.find(subscription.endpoint)) throw pushErrors.endpointRefused();
    if (!isPoint(subscription.p256dh)) throw pushErrors.keyInvalid();
    return this.database.transaction(
      async (trx) => {
        const subscriptions = new PushSubscriptionsRepository(trx);
        await subscriptions.forgetMessagesOfOthers(subscription.endpoint, subscription.userId);
        const id = await subscriptions.put(subscription);
        await subscriptions.keepNewest(subscription.userId, mostPerPerson);
        return id;
      },
      { signal, retries: 2 },
    );
  }

  async unsubscribe(userId: string, endpoint: string): Promise<void> {
    await new PushSubscriptionsRepository(this.database).remove(userId, endpoint);
  }
}

/** Whatever else has the length of a point would fail each time that something is encrypted with it. */
function isPoint(key: string): boolean {
  try {
    ECDH.convertKey(key, 'prime256v1', 'base64url', 'base64url', 'uncompressed');
    return true;
  } catch {
    return false;
  }
}
