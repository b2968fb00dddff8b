import { isAppError } from '@rostrum/errors';
import { Command } from 'ioredis';
import { ReplyDeadline, type Awaited } from '../rate-limit-deadline';
import type { Redis } from '../redis';
import { sendingTurn, type SendingTurn } from '../sending-turn';
import { noticedAfterMs, type CacheLink } from './cache-link';
import { cacheStore, type CacheStore } from './cache-store';
import { nothingSeen, type Glance } from './glance';

export type StreamEntry = readonly [id: string, fields: readonly string[]];

/** Somebody who wants everything to be known that has been added until now. Told once. */
export interface TailReader {
  onCaughtUp(): void;
  /** Redis is not asked at present, does not answer, or its answer is not to be believed. */
  onSilence(): void;
}

/** The same as a part of a glance, whose other parts are asked for in the same turn. */
export class PartOfGlance implements TailReader {
  isCaughtUp = false;
  private readonly place: number;

  constructor(private readonly glance: Glance) {
    this.place = glance.expect();
  }

  onCaughtUp(): void {
    this.isCaughtUp = true;
    this.glance.answer(this.place, undefined);
  }

  onSilence(): void {
    this.glance.answer(this.place, nothingSeen);
  }
}

export interface TailHooks {
  /** What has been added, in order, each once. */
  onEntry: (entry: StreamEntry) => void;
  /** Nothing is known of what has been added before this entry; `undefined`: the stream is empty. */
  onGap: (newest: string | undefined) => void;
}

const entriesAtOnce = 1_000;

/**
 * The end of a stream, as it is known in this process. All who want to know it in one turn of the event loop share one
 * question, which travels with the cached reads and the rate limits of that turn.
 *
 * It is read from the last entry that is known, that one included: where it is there no more, or Redis has been away in
 * between (`cache-link.ts`), there is a gap.
 */
export class StreamTail {
  private readonly store: CacheStore;
  private readonly turn: SendingTurn;
  private readonly deadline: ReplyDeadline;
  private gathered: TailReader[] = [];
  private lastId: string | undefined;
  private link: CacheLink | undefined;
  private era = 0;

  constructor(
    private readonly redis: Redis,
    private readonly key: string,
    private readonly hooks: TailHooks,
  ) {
    this.store = cacheStore(redis);
    this.turn = sendingTurn(redis);
    this.deadline = new ReplyDeadline(this.store.readTimeoutMs);
    redis.once('end', () => this.deadline.close());
  }

  ask(reader: TailReader): void {
    const { links } = this.store;
    if (links.isStarting) {
      links.whenStarted(() => this.ask(reader));
      return;
    }
    if (this.gathered.length === 0) this.turn.atEnd(this.send);
    this.gathered.push(reader);
  }

  /** Whether Redis has been away for so long that every process has noticed: nobody believes what was known before. */
  get isGivenUp(): boolean {
    return this.store.links.of(this.key).silentMs >= noticedAfterMs;
  }

  private readonly send = (): void => {
    const readers = this.gathered;
    this.gathered = [];
    const link = this.store.links.of(this.key);
    const question = new Question(this, { link, from: this.lastId, readers });
    if (!link.isOpen) return question.turnAway();
    this.deadline.watch(question);
    (this.redis.sendCommand(this.command()) as Promise<StreamEntry[]>).then(
      question.onEntries,
      question.onError,
    );
  };

  /** Past ioredis's own gathering, which would send it a turn later. */
  private command(): Command {
    const { key, lastId } = this;
    const encoding = { replyEncoding: 'utf8' } as const;
    return lastId === undefined
      ? new Command('xrevrange', [key, '+', '-', 'COUNT', 1], encoding)
      : new Command('xrange', [key, lastId, '+', 'COUNT', entriesAtOnce], encoding);
  }

  /** Called by a question that has been answered. Resolves to whether its readers know enough; else they ask again. */
  note({ link, from }: Asked, entries: readonly StreamEntry[]): boolean {
    if (link !== this.link || link.era !== this.era) {
      this.link = link;
      this.era = link.era;
      this.begin(from === undefined ? entries[0]?.[0] : undefined);
      return from === undefined;
    }
    if (from === undefined) {
      this.begin(entries[0]?.[0]);
      return true;
    }
    if (entries[0]?.[0] !== from) {
      this.begin(undefined);
      return false;
    }
    // Another question that was under way may have brought some of them already.
    for (const entry of entries) {
      if (this.lastId !== undefined && !isAfter(entry[0], this.lastId)) continue;
      this.lastId = entry[0];
      this.hooks.onEntry(entry);
    }
    return entries.length < entriesAtOnce;
  }

  private begin(newest: string | undefined): void {
    this.lastId = newest;
    this.hooks.onGap(newest);
  }
}

interface Asked {
  link: CacheLink;
  /** The last entry that was known. */
  from: string | undefined;
  readers: readonly TailReader[];
}

class Question implements Awaited {
  settled = false;
  private readonly sentAt = performance.now();
  private readonly era: number;

  constructor(
    private readonly tail: Pick<StreamTail, 'note' | 'ask'>,
    private readonly asked: Asked,
  ) {
    this.era = asked.link.era;
  }

  readonly onEntries = (entries: readonly StreamEntry[]): void => {
    if (this.settled) return;
    const { link, readers } = this.asked;
    if (!link.answered(this.sentAt) || link.era !== this.era) return this.turnAway();
    this.settled = true;
    const known = this.tail.note(this.asked, entries);
    for (const reader of readers) {
      if (known) reader.onCaughtUp();
      else this.tail.ask(reader);
    }
  };

  readonly onError = (error: unknown): void => {
    if (this.settled) return;
    if (!isAppError(error)) void this.asked.link.probe();
    this.turnAway();
  };

  /** Called when it takes too long. */
  fail(): void {
    this.asked.link.failed();
    this.turnAway();
  }

  turnAway(): void {
    this.settled = true;
    for (const reader of this.asked.readers) reader.onSilence();
  }
}

/** Ids are two numbers each, by which they are in order. */
function isAfter(id: string, other: string): boolean {
  if (id.length === other.length && id.indexOf('-') === other.indexOf('-')) return id > other;
  const [time = 0, count = 0] = id.split('-').map(Number);
  const [otherTime = 0, otherCount = 0] = other.split('-').map(Number);
  return time > otherTime || (time === otherTime && count > otherCount);
}
