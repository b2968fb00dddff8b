import type { Connection } from './connection';
import { SmallSet } from './small-set';

/** The open sockets of this process, and whose they are. */
export class Connections {
  private readonly all = new Set<Connection>();
  private readonly byUser = new Map<string, SmallSet<Connection>>();
  private waiters: (() => void)[] = [];

  get size(): number {
    return this.all.size;
  }

  /** How many people they are of. */
  get people(): number {
    return this.byUser.size;
  }

  get queuedBytes(): number {
    let bytes = 0;
    for (const connection of this.all) bytes += connection.queuedBytes;
    return bytes;
  }

  [Symbol.iterator](): IterableIterator<Connection> {
    return this.all.values();
  }

  /** Whether it is the user's first one here. */
  add(connection: Connection): boolean {
    const { userId } = connection.user;
    this.all.add(connection);
    const others = this.byUser.get(userId);
    if (others) others.add(connection);
    else this.byUser.set(userId, new SmallSet(connection));
    return !others;
  }

  /** Whether it was the user's last one here. */
  remove(connection: Connection): boolean {
    const { userId } = connection.user;
    this.all.delete(connection);
    if (this.all.size === 0) for (const resolve of this.waiters.splice(0)) resolve();
    const others = this.byUser.get(userId);
    if (!others?.delete(connection) || others.size > 0) return false;
    return this.byUser.delete(userId);
  }

  whenEmpty(): Promise<void> {
    if (this.all.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.waiters.push(resolve));
  }
}
