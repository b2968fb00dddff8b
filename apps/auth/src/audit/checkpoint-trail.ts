import type { KeyObject } from 'node:crypto';
import type { Findings } from './audit-findings';
import {
  checkpointHash,
  isSigned,
  parseCheckpoint,
  type Checkpoint,
  type CheckpointBody,
} from './checkpoint';

/** A checkpoint that somebody has noted outside of the database. */
export interface Anchor {
  position: number;
  hash: string;
}

/** Where a chain begins, and the hash of the event before. */
export interface ChainStart {
  seq: number;
  previousHash: string;
}

/** The checkpoints, gone through in order: what they vouch for, and what is wrong with them. */
export class CheckpointTrail {
  count = 0;
  last: (Anchor & { at: number }) | undefined;
  /** Of each chain, the hashes of events by their numbers. */
  private readonly heads = new Map<number, Map<number, string>>();
  private readonly tops = new Map<number, number>();
  private readonly starts = new Map<number, ChainStart>();
  private readonly anchors: Map<number, string>;

  constructor(
    private readonly keys: ReadonlyMap<string, KeyObject>,
    private readonly findings: Findings,
    anchors: readonly Anchor[],
  ) {
    this.anchors = new Map(anchors.map(({ position, hash }) => [position, hash]));
  }

  take(checkpoint: Checkpoint): void {
    const { position } = checkpoint;
    const hash = checkpointHash(checkpoint);
    const body = parseCheckpoint(checkpoint);
    const key = body && this.keys.get(body.key);
    const genuine = body?.position === position && key !== undefined && isSigned(checkpoint, key);
    this.count += 1;
    if (!genuine) {
      this.findings.add({ kind: 'checkpoint forged', position });
      return;
    }
    this.checkPlace(body);
    const anchored = this.anchors.get(position);
    if (anchored !== undefined && anchored !== hash)
      this.findings.add({ kind: 'checkpoint exchanged', position });
    this.last = { position, hash, at: body.at };
    this.note(body);
  }

  /** To be called after the last one. */
  end(): void {
    for (const position of this.anchors.keys()) {
      if (position > (this.last?.position ?? 0)) this.findings.add({ kind: 'checkpoint missing', position });
    }
  }

  /** What a checkpoint says the hash of an event is; undefined where none speaks of it. */
  vouchedHash(chain: number, seq: number): string | undefined {
    return this.heads.get(chain)?.get(seq);
  }

  /** The number of the last event of a chain that a checkpoint speaks of. */
  vouchedTo(chain: number): number {
    return this.tops.get(chain) ?? 0;
  }

  startOf(chain: number): ChainStart {
    return this.starts.get(chain) ?? { seq: 1, previousHash: '00'.repeat(32) };
  }

  /** The first one that is still there may follow on one that has been removed for its age. */
  private checkPlace({ position, previous }: CheckpointBody): void {
    if (!this.last) return;
    const follows = this.last.position + 1 === position;
    if (!follows) this.findings.add({ kind: 'checkpoint missing', position: this.last.position + 1 });
    else if (previous !== this.last.hash) this.findings.add({ kind: 'checkpoint exchanged', position });
  }

  private note({ heads, starts = [] }: CheckpointBody): void {
    for (const [chain, seq, hash] of heads) {
      const of = this.heads.get(chain) ?? new Map<number, string>();
      this.heads.set(chain, of.set(seq, hash));
      this.tops.set(chain, Math.max(seq, this.vouchedTo(chain)));
    }
    for (const [chain, seq, previousHash] of starts) this.starts.set(chain, { seq, previousHash });
  }
}
