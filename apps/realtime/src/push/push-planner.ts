import type { Database, Redis } from '@rostrum/data-access';
import type { NextStep } from '../notifications/deliveries';
import type { Notification } from '../notifications/notification';
import { stateIn } from '../presence/presence.store';
import { waysOf } from '../settings/notification-ways';
import { quietUntil } from '../settings/quiet-hours';
import { SettingsRepository } from '../settings/settings.repository';
import { PushMessagesRepository } from './push-messages.repository';
import { PushSubscriptionsRepository } from './push-subscriptions.repository';

export interface PushPlannerParts {
  database: Database;
  redis: Pick<Redis, 'hvals'>;
  /** Called once there is something to send. */
  onDue: () => void;
}

/** Who is not here and wants to hear of it all the same is sent a push, though not while they sleep. */
export class PushPlanner implements NextStep {
  private readonly settings: SettingsRepository;
  private readonly subscriptions: PushSubscriptionsRepository;
  private readonly messages: PushMessagesRepository;

  constructor(private readonly parts: PushPlannerParts) {
    this.settings = new SettingsRepository(parts.database);
    this.subscriptions = new PushSubscriptionsRepository(parts.database);
    this.messages = new PushMessagesRepository(parts.database);
  }

  async after({ id, recipientId, kind, position }: Notification): Promise<Date | undefined> {
    if (!(await this.subscriptions.has(recipientId))) return undefined;
    const { ways, quietHours, timeZone } = await this.settings.find(recipientId);
    if (!waysOf(ways)[kind].push) return undefined;
    if ((await stateIn(this.parts.redis, recipientId)) !== 'offline') return undefined;
    const until = quietHours && quietUntil(new Date(), quietHours, timeZone);
    if (until) return until;
    await this.messages.add(id, recipientId, position);
    this.parts.onDue();
    return undefined;
  }
}
