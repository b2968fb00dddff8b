import type { Operation } from './messages';

export interface StaleRead {
  read: Operation;
  /** Acknowledged before the read began. */
  newest: Operation;
}

/** Reads that saw less than what had been acknowledged when they began. Versions of a key only grow. */
export function staleReads(history: readonly Operation[]): StaleRead[] {
  const found: StaleRead[] = [];
  for (const operations of Map.groupBy(history, ({ key }) => key).values()) {
    const known = operations.filter((each) => each.version !== undefined);
    const writes = known.filter(({ kind }) => kind === 'write').sort((a, b) => a.endedAt - b.endedAt);
    const reads = known.filter(({ kind }) => kind === 'read').sort((a, b) => a.startedAt - b.startedAt);
    let newest: Operation | undefined;
    for (const read of reads) {
      while (writes[0] && writes[0].endedAt < read.startedAt) {
        const write = writes.shift() as Operation;
        if ((write.version ?? 0) > (newest?.version ?? 0)) newest = write;
      }
      if (newest && (read.version ?? 0) < (newest.version ?? 0)) found.push({ read, newest });
    }
  }
  return found;
}
