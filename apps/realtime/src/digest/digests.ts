import { mailRequested, type NotificationKind } from '@rostrum/contracts';
import type { Database } from '@rostrum/data-access';
import type { EventPublisher } from '@rostrum/service-kit';
import { waysOf } from '../settings/notification-ways';
import { dayOf, minuteOfDay } from '../settings/quiet-hours';
import type { DigestEvents } from './digest-events';
import { DigestsRepository, type Reader } from './digests.repository';

export interface DigestsParts {
  database: Database;
  publisher: Pick<EventPublisher, 'publish'>;
  events: Pick<DigestEvents, 'digestRequested'>;
}

const batch = 200;
const first = '00000000-0000-0000-0000-000000000000';

/**
 * Once a day, at their hour, people who want it are written to about what they have not read. Auth sends the mail: only
 * it knows addresses. That somebody was looked at today, and the event that asks for the mail, commit together.
 */
export class Digests {
  constructor(
    private readonly parts: DigestsParts,
    private readonly now: () => Date = () => new Date(),
  ) {}

  /** Hours and days are reckoned here, by the same clock that checked the names of the zones. */
  async round(): Promise<void> {
    const at = this.now();
    const zones = await new DigestsRepository(this.parts.database).timeZones();
    for (const timeZone of zones) await this.roundOf(timeZone, at);
  }

  private async roundOf(timeZone: string, at: Date): Promise<void> {
    const digests = new DigestsRepository(this.parts.database);
    const hour = Math.floor(minuteOfDay(at, timeZone) / 60);
    const day = dayOf(at, timeZone);
    let readers: Reader[];
    let after = first;
    do {
      readers = await digests.due({ timeZone, hour, day, after, limit: batch });
      for (const reader of readers) await this.write(reader, day);
      after = readers.at(-1)?.userId ?? after;
    } while (readers.length === batch);
  }

  private async write({ userId, ways }: Reader, day: string): Promise<void> {
    const { database, publisher, events } = this.parts;
    const wanted = Object.entries(waysOf(ways)).flatMap(([kind, { mail }]) => (mail ? [kind] : []));
    await database.transaction(async (trx) => {
      const digests = new DigestsRepository(trx);
      if (!(await digests.claim(userId, day))) return;
      const unread = await digests.unread(userId, day, wanted as NotificationKind[]);
      if (unread.length === 0) return;
      await publisher.publish(trx, mailRequested, {
        key: userId,
        payload: {
          userId,
          mail: 'notification-digest',
          unread: Object.fromEntries(unread.map(({ kind, count }) => [kind, count])),
          requestedAt: this.now().toISOString(),
        },
      });
      trx.onCommit(() => events.digestRequested());
    });
  }
}
