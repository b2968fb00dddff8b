import type { Liveliness, PresenceStore, SignOfLife } from './presence.store';

export interface PresenceKeeperParts {
  store: Pick<PresenceStore, 'announce' | 'withdraw'>;
  /** Has those look who want to know how the person is. */
  hint: (username: string) => Promise<void>;
  onError: (error: unknown) => void;
}

/** Whoever a socket is of. */
export interface Somebody {
  userId: string;
  username: string;
}

/**
 * Keeps the users of this process's sockets online. Signs of life are gathered and sent together once a beat. What Redis
 * does not take is made good by the next sign of life.
 */
export class PresenceKeeper {
  private readonly seen = new Set<string>();
  /** Who has said that they are away; everybody else is not. */
  private readonly away = new Set<string>();

  constructor(private readonly parts: PresenceKeeperParts) {}

  /** The user has opened the first socket. */
  arrived({ userId, username }: Somebody): void {
    this.send(this.announce(userId), username);
  }

  /** One of the user's sockets has answered a ping. */
  alive(userId: string): void {
    this.seen.add(userId);
  }

  /** The user's last socket is gone. */
  left({ userId, username }: Somebody): void {
    this.seen.delete(userId);
    this.away.delete(userId);
    this.send(this.parts.store.withdraw(userId), username);
  }

  /** What the user says of all their sockets here. */
  setState({ userId, username }: Somebody, state: Liveliness): void {
    if (state === 'away') this.away.add(userId);
    else this.away.delete(userId);
    this.send(this.announce(userId), username);
  }

  beat(): void {
    if (this.seen.size === 0) return;
    this.announce(...this.seen).catch(this.parts.onError);
    this.seen.clear();
  }

  private announce(...userIds: string[]): Promise<void> {
    const signOf = (userId: string): SignOfLife => ({
      userId,
      state: this.away.has(userId) ? 'away' : 'online',
    });
    return this.parts.store.announce(userIds.map(signOf));
  }

  /** Whoever is told to look finds what has been sent. */
  private send(command: Promise<void>, username: string): void {
    command.then(() => this.parts.hint(username)).catch(this.parts.onError);
  }
}
