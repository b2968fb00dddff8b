import { randomUUID } from 'node:crypto';
import { kindOf, subjectOf } from '../live/channel-names';
import { eventFrame, textOf } from '../live/live-event';
import type { LiveChannels } from '../live/live-channels';
import type { Membership } from '../live/membership';
import type { PresenceChoicesRepository } from './presence-choices.repository';
import type { PresenceState, PresenceStore } from './presence.store';

export interface PresenceWatchParts {
  store: Pick<PresenceStore, 'look'>;
  choices: Pick<PresenceChoicesRepository, 'invisibleAmong'>;
  channels: Pick<LiveChannels, 'get'>;
  /** Who has the name that the channel is named after. */
  ownerOf: (channel: string) => string | undefined;
  onError: (error: unknown) => void;
}

interface Watched {
  channel: string;
  userId: string;
  /** What clients know. */
  told: PresenceState | undefined;
  /** When it is looked at again, whatever is heard. */
  dueAt: number;
}

/** A hint may be lost; a process that dies gives none. */
const lookEveryMs = 10_000;
const retryMs = 1000;
const beatMs = 1000;
const looksAtOnce = 500;

/**
 * Tells the clients of this process how the people are whose presence they follow: when they subscribe, and when it has
 * changed. It is looked at where all processes write it; what is heard of changes only says when to look. So nothing is
 * lost that matters, and whom nobody follows costs nothing.
 */
export class PresenceWatch {
  private readonly watched = new Map<string, Watched>();
  private readonly due = new Set<Watched>();
  private looking = false;
  private clock: NodeJS.Timeout | undefined;

  constructor(private readonly parts: PresenceWatchParts) {}

  start(): void {
    this.clock = setInterval(() => this.beat(), beatMs).unref();
  }

  stop(): void {
    clearInterval(this.clock);
  }

  /** Somebody has subscribed. */
  welcome({ channel, subscriber }: Membership): void {
    if (kindOf(channel) !== 'presence') return;
    const watched = this.watched.get(channel) ?? this.begin(channel);
    if (watched?.told) subscriber.send(eventFrame(channel, changeText(watched, watched.told)));
  }

  /** How somebody is may have changed. */
  hint(channel: string): void {
    const watched = this.watched.get(channel);
    if (!watched) return;
    this.due.add(watched);
    void this.lookAtDue();
  }

  private begin(channel: string): Watched | undefined {
    const userId = this.parts.ownerOf(channel);
    if (userId === undefined) return undefined;
    const watched = { channel, userId, told: undefined, dueAt: 0 };
    this.watched.set(channel, watched);
    this.hint(channel);
    return watched;
  }

  private beat(): void {
    const now = performance.now();
    for (const watched of this.watched.values()) {
      if (!this.parts.channels.get(watched.channel)) this.end(watched);
      else if (watched.dueAt <= now) this.due.add(watched);
    }
    void this.lookAtDue();
  }

  private end(watched: Watched): void {
    this.watched.delete(watched.channel);
    this.due.delete(watched);
  }

  /** One after the other, so that what is told last is what was looked at last. */
  private async lookAtDue(): Promise<void> {
    if (this.looking) return;
    this.looking = true;
    try {
      while (this.due.size > 0) {
        const some = [...this.due].slice(0, looksAtOnce);
        for (const watched of some) this.due.delete(watched);
        await this.look(some);
      }
    } finally {
      this.looking = false;
    }
  }

  private async look(some: readonly Watched[]): Promise<void> {
    const { store, choices, onError } = this.parts;
    try {
      const [found, invisible] = await Promise.all([
        Promise.all(some.map(({ userId }) => store.look(userId))),
        choices.invisibleAmong(some.map(({ userId }) => userId)),
      ]);
      const now = performance.now();
      for (const [index, watched] of some.entries()) {
        const { state, holdsMs = lookEveryMs } = found[index] ?? { state: 'offline' };
        watched.dueAt = now + Math.min(holdsMs, lookEveryMs);
        this.tell(watched, invisible.has(watched.userId) ? 'offline' : state);
      }
    } catch (error) {
      onError(error);
      const retryAt = performance.now() + retryMs;
      for (const watched of some) watched.dueAt = retryAt;
    }
  }

  private tell(watched: Watched, state: PresenceState): void {
    if (watched.told === state) return;
    watched.told = state;
    this.parts.channels.get(watched.channel)?.listeners.passing(changeText(watched, state));
  }
}

function changeText({ channel, userId }: Watched, state: PresenceState): string {
  const data = { userId, username: subjectOf(channel), state };
  return textOf({ id: randomUUID(), name: 'presence.changed', data, time: new Date().toISOString() });
}
