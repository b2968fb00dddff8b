import type { Connection } from './connection';
import { SmallSet } from './small-set';

/** Into so many parts they are divided, so that a clock need not serve all of them in one turn. */
export const partCount = 10;
/** Neighbours are of one part: their pings are spread over seconds already. */
const neighbours = 16;

/** The open sockets of this process, and whose they are. */
export class Connections {
  private readonly all: readonly Set<Connection>[] = Array.from({ length: partCount }, () => new Set());
  private count = 0;
  private readonly byUser = new Map<string, SmallSet<Connection>>();
  private waiters: (() => void)[] = [];

  get size(): number {
    return this.count;
  }

  /** How many people they are of. */
  get people(): number {
    return this.byUser.size;
  }

  get queuedBytes(): number {
    let bytes = 0;
    for (const connection of this) bytes += connection.queuedBytes;
    return bytes;
  }

  *[Symbol.iterator](): IterableIterator<Connection> {
    for (const part of this.all) yield* part;
  }

  /** One of the parts, by its number. */
  part(number: number): Iterable<Connection> {
    return this.all[number % partCount] ?? [];
  }

  /** Whether it is the user's first one here. */
  add(connection: Connection): boolean {
    const { userId } = connection.user;
    this.partOf(connection).add(connection);
    this.count += 1;
    const others = this.byUser.get(userId);
    if (others) others.add(connection);
    else this.byUser.set(userId, new SmallSet(connection));
    return !others;
  }

  /** Whether it was the user's last one here. */
  remove(connection: Connection): boolean {
    const { userId } = connection.user;
    if (this.partOf(connection).delete(connection)) this.count -= 1;
    if (this.count === 0) for (const resolve of this.waiters.splice(0)) resolve();
    const others = this.byUser.get(userId);
    if (!others?.delete(connection) || others.size > 0) return false;
    return this.byUser.delete(userId);
  }

  whenEmpty(): Promise<void> {
    if (this.count === 0) return Promise.resolve();
    return new Promise((resolve) => this.waiters.push(resolve));
  }

  private partOf({ number }: Connection): Set<Connection> {
    return this.all[Math.floor(number / neighbours) % partCount] as Set<Connection>;
  }
}
