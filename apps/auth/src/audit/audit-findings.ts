export type FindingKind =
  | 'event changed'
  | 'event missing'
  | 'event out of place'
  | 'event columns changed'
  | 'end of chain removed'
  | 'beginning of chain removed'
  | 'chain rewritten'
  | 'checkpoint forged'
  | 'checkpoint exchanged'
  | 'checkpoint missing';

/** One sign that somebody has tampered with the log. */
export interface Finding {
  kind: FindingKind;
  chain?: number;
  seq?: number;
  position?: number;
}

const mostKept = 100;

/** Counts all, keeps the first ones. */
export class Findings {
  readonly list: Finding[] = [];
  count = 0;

  add(finding: Finding): void {
    this.count += 1;
    if (this.list.length < mostKept) this.list.push(finding);
  }
}
