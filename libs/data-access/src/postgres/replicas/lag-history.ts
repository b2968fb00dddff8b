interface Entry {
  at: number;
  position: bigint;
}

/**
 * Where the primary was when: tells how old what a replica shows is, without trusting two clocks to agree, and without
 * taking a primary that nobody writes to for a replica that lags.
 */
export class LagHistory {
  private readonly entries: Entry[] = [];

  constructor(private readonly keepMs: number) {}

  /** `at` is when the primary was asked, not when it answered. */
  note(at: number, position: bigint): void {
    this.entries.push({ at, position });
    while (this.entries.length > 2 && at - (this.entries[1] as Entry).at > this.keepMs) this.entries.shift();
  }

  /**
   * How long ago, counted from the primary's last answer, this position was all there was. While the primary is silent
   * nobody can know more, and replicas go on serving what they have. Undefined before its first answer.
   */
  lagOf(position: bigint): { ms: number; bytes: number } | undefined {
    const last = this.entries.at(-1);
    const first = this.entries[0];
    if (!last || !first) return undefined;
    const reached = this.entries.findLast((entry) => entry.position <= position) ?? first;
    const behind = last.position > position ? last.position - position : 0n;
    const ms = reached.position <= position ? last.at - reached.at : Infinity;
    return { ms, bytes: Number(behind) };
  }
}
