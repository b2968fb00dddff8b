import type { KeyObject } from 'node:crypto';
import { columnsOf, hashOf, type AuditRow } from './audit-chain';
import { chainCount } from './audit-event';
import { Findings, type Finding } from './audit-findings';
import type { Checkpoint } from './checkpoint';
import { CheckpointTrail, type Anchor } from './checkpoint-trail';

/** Where a log is read from: the database, or a file that was exported. */
export interface AuditSource {
  keys: ReadonlyMap<string, KeyObject>;
  checkpoints(): AsyncIterable<readonly Checkpoint[]>;
  /** The events of a chain in their order. */
  chain(chain: number): AsyncIterable<readonly AuditRow[]>;
}

export interface AuditReport {
  /** Nothing that was looked at shows a sign of tampering. */
  intact: boolean;
  /** Everything was looked at. */
  complete: boolean;
  events: number;
  /** Events since the last checkpoint: their end could be cut off without a trace. */
  unproven: number;
  checkpoints: number;
  lastCheckpoint: (Anchor & { at: number }) | undefined;
  findingCount: number;
  findings: readonly Finding[];
}

export interface VerifyOptions {
  /** Checkpoints that were noted elsewhere. */
  anchors?: readonly Anchor[];
  /** It ends early when this fires, and says so. */
  signal?: AbortSignal;
}

/** Goes through the whole log. What is signed or linked by a hash cannot be changed without its being found here. */
export async function verifyAudit(source: AuditSource, options: VerifyOptions = {}): Promise<AuditReport> {
  const findings = new Findings();
  const trail = new CheckpointTrail(source.keys, findings, options.anchors ?? []);
  // Read first: events that are added in the meantime follow on what it speaks of.
  for await (const batch of source.checkpoints()) batch.forEach((checkpoint) => trail.take(checkpoint));
  trail.end();
  const walk = new ChainWalk(trail, findings);
  let complete = true;
  for (let chain = 0; chain < chainCount && complete; chain += 1) {
    walk.begin(chain);
    for await (const batch of source.chain(chain)) {
      if (options.signal?.aborted) {
        complete = false;
        break;
      }
      batch.forEach((row) => walk.take(row));
    }
    if (complete) walk.end();
  }
  return {
    intact: findings.count === 0,
    complete,
    events: walk.events,
    unproven: walk.unproven,
    checkpoints: trail.count,
    lastCheckpoint: trail.last,
    findingCount: findings.count,
    findings: findings.list,
  };
}

/** One chain after the other, event by event. */
class ChainWalk {
  events = 0;
  unproven = 0;
  private chain = 0;
  private last = { seq: 0, hash: '' };

  constructor(
    private readonly trail: CheckpointTrail,
    private readonly findings: Findings,
  ) {}

  begin(chain: number): void {
    this.chain = chain;
    const { seq, previousHash } = this.trail.startOf(chain);
    this.last = { seq: seq - 1, hash: previousHash };
  }

  take(row: AuditRow): void {
    const { seq, hash } = row;
    this.events += 1;
    this.checkPlace(row);
    this.checkContent(row);
    const vouched = this.trail.vouchedHash(this.chain, seq);
    if (vouched !== undefined && vouched !== hash.toString('hex')) this.find('chain rewritten', seq);
    if (seq > this.trail.vouchedTo(this.chain)) this.unproven += 1;
    this.last = { seq, hash: hash.toString('hex') };
  }

  end(): void {
    const vouchedTo = this.trail.vouchedTo(this.chain);
    if (vouchedTo > this.last.seq) this.find('end of chain removed', this.last.seq + 1);
  }

  private checkPlace({ seq, previousHash }: AuditRow): void {
    const isFirst = this.last.seq === this.trail.startOf(this.chain).seq - 1;
    if (seq <= this.last.seq) this.find('event out of place', seq);
    else if (seq > this.last.seq + 1) {
      this.find(isFirst ? 'beginning of chain removed' : 'event missing', this.last.seq + 1);
    } else if (previousHash.toString('hex') !== this.last.hash) this.find('event out of place', seq);
  }

  private checkContent(row: AuditRow): void {
    const { seq, hash, body, columns } = row;
    if (!hashOf(row).equals(hash)) this.find('event changed', seq);
    if (JSON.stringify(columnsOf(body)) !== JSON.stringify(columns)) this.find('event columns changed', seq);
  }

  private find(kind: Finding['kind'], seq: number): void {
    this.findings.add({ kind, chain: this.chain, seq });
  }
}
