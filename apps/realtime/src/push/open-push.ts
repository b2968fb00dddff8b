import type { Database, Redis } from '@rostrum/data-access';
import type { Revocation, RevocationList } from '@rostrum/security';
import {
  RepeatedWork,
  type BackgroundWork,
  type Kit,
  type Resource,
  type RouteBinder,
} from '@rostrum/service-kit';
import type { NextStep } from '../notifications/deliveries';
import { PushDelivery } from './push-delivery';
import { PushEvents } from './push-events';
import { PushMessagesRepository } from './push-messages.repository';
import { PushPlanner } from './push-planner';
import { pushRoutes } from './push.routes';
import { PushSender, type PushPolicies } from './push-sender';
import { PushService } from './push.service';
import { PushServices } from './push-services';
import type { VapidKeys } from './push-settings';
import { PushSubscriptionsRepository } from './push-subscriptions.repository';

export interface PushConfig {
  vapidKeys: VapidKeys | undefined;
  pushServices: readonly string[];
}

/** What browsers ask, and that they hear nothing more once their session has ended. */
export function openPush(
  { logger }: Kit,
  { vapidKeys, pushServices }: PushConfig,
  { database, revocations }: { database: Database; revocations: Pick<RevocationList, 'onAdded'> },
): { routes: (binder: RouteBinder) => void } {
  const push = new PushService(database, new PushServices(pushServices), vapidKeys);
  const subscriptions = new PushSubscriptionsRepository(database);
  revocations.onAdded((added) => {
    endSubscriptions(subscriptions, added).catch((error: unknown) => {
      logger.warn('Push subscriptions of ended sessions could not be removed', { error });
    });
  });
  return { routes: (binder) => pushRoutes(binder, push) };
}

async function endSubscriptions(
  subscriptions: PushSubscriptionsRepository,
  added: readonly Revocation[],
): Promise<void> {
  const sessions = added.filter(({ kind }) => kind === 'session').map(({ id }) => id);
  if (sessions.length > 0) await subscriptions.removeOfSessions(sessions);
  for (const { kind, id, at } of added) {
    if (kind === 'subject') await subscriptions.removeOfPerson(id, new Date(at));
  }
}

export interface PushWork {
  next: NextStep;
  work: BackgroundWork[];
  resources: Resource[];
}

export interface PushWorkSettings extends PushConfig {
  pushFirstRetrySeconds: number;
}

const secondMs = 1_000;
const sendingMs = 10_000;

/** What the worker sends. Without keys it sends nothing. */
export function openPushWork(
  kit: Kit,
  { vapidKeys, pushServices, pushFirstRetrySeconds: firstRetrySeconds }: PushWorkSettings,
  { database, redis }: { database: Database; redis: Redis },
): PushWork {
  if (!vapidKeys) return { next: { after: () => Promise.resolve(undefined) }, work: [], resources: [] };
  const sender = new PushSender(new PushServices(pushServices), vapidKeys, openPolicies(kit, pushServices));
  const onError = (error: unknown) => kit.logger.warn('Pushes wait', { error });
  const parts = { database, sender, events: new PushEvents(kit), onError, firstRetrySeconds };
  const delivery = new PushDelivery(parts);
  const work = new RepeatedWork({
    name: 'pushes',
    everyMs: secondMs,
    round: () => delivery.round(),
    onError,
  });
  const messages = new PushMessagesRepository(database);
  kit.metrics.gauge('push_messages_waiting', 'Pushes that wait to be sent', {
    collect: async (gauge) => gauge.set(await messages.waiting()),
  });
  return {
    next: new PushPlanner({ database, redis, onDue: () => void work.runNow() }),
    work: [work],
    resources: [{ name: 'push services', close: () => sender.close() }],
  };
}

/** One for each service: that one of them is down keeps nobody from hearing through another. */
function openPolicies({ breakers }: Kit, services: readonly string[]): PushPolicies {
  const open = (service: string) =>
    breakers.openPolicy({ name: `push_${service}`, timeoutMs: sendingMs }, 'its pushes wait');
  return new Map([...new Set(services)].map((service) => [service, open(service)]));
}
