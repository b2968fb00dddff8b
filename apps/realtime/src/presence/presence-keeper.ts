import type { Liveliness, PresenceStore } from './presence.store';

type Store = Pick<PresenceStore, 'announce' | 'withdraw'>;

/**
 * Keeps the users of this process's sockets online. Signs of life are gathered and sent once a beat, so that a user
 * with many sockets costs no more than one with few. What Redis does not take is made good by the next sign of life.
 */
export class PresenceKeeper {
  private readonly seen = new Set<string>();
  /** Who has said that they are away; everybody else is not. */
  private readonly away = new Set<string>();

  constructor(
    private readonly store: Store,
    private readonly onError: (error: unknown) => void,
  ) {}

  /** The user has opened the first socket. */
  arrived(userId: string): void {
    this.announce(userId);
  }

  /** One of the user's sockets has answered a ping. */
  alive(userId: string): void {
    this.seen.add(userId);
  }

  /** The user's last socket is gone. */
  left(userId: string): void {
    this.seen.delete(userId);
    this.away.delete(userId);
    this.send(this.store.withdraw(userId));
  }

  /** What the user says of all their sockets here. */
  setState(userId: string, state: Liveliness): void {
    if (state === 'away') this.away.add(userId);
    else this.away.delete(userId);
    this.announce(userId);
  }

  beat(): void {
    for (const userId of this.seen) this.announce(userId);
    this.seen.clear();
  }

  private announce(userId: string): void {
    this.send(this.store.announce(userId, this.away.has(userId) ? 'away' : 'online'));
  }

  private send(command: Promise<void>): void {
    command.catch(this.onError);
  }
}
