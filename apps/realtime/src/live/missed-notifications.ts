import type { LiveEvent } from './live-event';
import { startOfEpoch } from './event-log';

/** What a client had when it was cut off. */
export interface ClientPosition {
  epoch: string;
  offset: number;
  /** The id of the last event that it has. */
  last?: string | undefined;
}

export interface MissedNotificationsParts {
  /** The user's notifications that are newer than a moment, oldest first, as they were announced. */
  newerThan: (userId: string, moment: Date, limit: number) => Promise<LiveEvent[]>;
  onError: (error: unknown) => void;
}

/** More than this is no catching up: the client reads its list anew. */
const mostReplayed = 200;
/** Ids are made before their rows commit, so that an older one may become visible after a newer one. */
const marginMs = 60_000;

/** Notifications that are in the log no more, from PostgreSQL: some of them once more, none of them missing. */
export class MissedNotifications {
  constructor(private readonly parts: MissedNotificationsParts) {}

  /** Undefined where it cannot be said what was missed, or where it is too much. */
  async since(userId: string, position: ClientPosition): Promise<LiveEvent[] | undefined> {
    const moment = momentOf(position.last) ?? startOfEpoch(position.epoch);
    if (!moment) return undefined;
    try {
      const from = new Date(moment.getTime() - marginMs);
      const found = await this.parts.newerThan(userId, from, mostReplayed + 1);
      return found.length > mostReplayed ? undefined : found;
    } catch (error) {
      this.parts.onError(error);
      return undefined;
    }
  }
}

/** The time in a UUIDv7. */
function momentOf(id: string | undefined): Date | undefined {
  if (id?.charAt(14) !== '7') return undefined;
  return new Date(parseInt(id.slice(0, 8) + id.slice(9, 13), 16));
}
