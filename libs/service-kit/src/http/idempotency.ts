import type { RouteContract } from '@rostrum/contracts';
import type {
  Database,
  IdempotencyKeys,
  KeptReply,
  KeyToKeep,
  RepeatableWrite,
  Transaction,
  TransactionOptions,
} from '@rostrum/data-access';
import type { Request } from 'express';
import type { Exchange } from './exchange';
import { fingerprintOf } from './idempotency-fingerprint';
import { idempotencyErrors } from './idempotency.errors';
import type { Reply } from './reply';

/** The transaction in which a service makes a change, and whose value the answer is made of. */
export type Write<T> = (work: (trx: Transaction) => Promise<T>, options?: TransactionOptions) => Promise<T>;

/**
 * Makes a change in a statement that many requests share. `keep` says what that statement has to write of the request's
 * key, if it has one, and of the answer for this value. Resolves to undefined where the change has not been made: it is
 * none that is made this way, or its key was not free.
 */
export type Together<T> = (keep: (value: T) => KeyToKeep | undefined) => Promise<T | undefined>;

/**
 * What a handler makes its change with: `run` passes the transaction to the service, `answer` says what is answered for
 * its value. A request with an Idempotency-Key has the answer kept in that transaction. When it is repeated, `run`
 * does not come to its work, and the answer is the kept one. With `together`, that is tried before a transaction is.
 */
export type Once = <T, const Answer extends Reply>(
  run: (write: Write<T>) => Promise<T>,
  answer: (value: T) => Answer,
  together?: Together<T>,
) => Promise<Answer>;

/** What became of a request that had a key. */
export type KeyOutcome = 'kept' | 'replayed' | 'in_flight' | 'mismatch';

/** How answers are kept where they, or what they answer, are nobody else's business. */
export interface KeptAnswers {
  /** In place of a hash that anybody could try passwords against. */
  fingerprint(hash: Buffer): Buffer;
  seal(body: string, place: string): string;
  /** Undefined where it cannot be opened any more. */
  open(sealed: string, place: string): string | undefined;
}

export interface IdempotencyOptions {
  database: Pick<Database, 'transaction'>;
  keys: Pick<IdempotencyKeys, 'find' | 'keep'>;
  answers?: KeptAnswers | undefined;
  count?: (outcome: KeyOutcome) => void;
}

const uuidBytes = 16;
const wellFormed = /^[\x21-\x7e]{1,255}$/;
const replayedHeader = ['Idempotency-Replayed', 'true'] as const;

/** A service's repeatable writes. */
export class Idempotency {
  /** For requests without a key: nothing is asked, kept or made for them. */
  private readonly unkeyed: Once;
  /** Keys of changes that are being made together with others: no statement can hold one twice. */
  private readonly underWay = new Set<string>();

  constructor(private readonly options: IdempotencyOptions) {
    const { database } = options;
    // One for all of them, whatever it is that they return.
    const write = <T>(work: (trx: Transaction) => Promise<T>, how?: TransactionOptions) =>
      database.transaction(work, how);
    this.unkeyed = async (run, answer, together) =>
      answer((await together?.(keepNothing)) ?? (await run(write)));
  }

  onceFor(contract: RouteContract, request: Request, exchange: Exchange): Once {
    const key = request.headers['idempotency-key'];
    if (key === undefined) return this.unkeyed;
    if (typeof key !== 'string' || !wellFormed.test(key)) throw idempotencyErrors.malformed();
    const { method, path, operationId } = contract;
    const { user, params } = exchange;
    const { query, body } = request;
    const asked = fingerprintOf({ method, path, params, query, body });
    const fingerprint = this.options.answers?.fingerprint(asked) ?? asked;
    const userId = user?.userId ?? nobodyWho(fingerprint);
    const write = { userId, operation: operationId, key, fingerprint };
    return async (run, answer, together) =>
      (together && (await this.shared(write, together, answer))) ?? this.keyed(write, run, answer);
  }

  private async shared<T, Answer extends Reply>(
    repeatable: RepeatableWrite,
    together: Together<T>,
    answer: (value: T) => Answer,
  ): Promise<Answer | undefined> {
    const place = placeOf(repeatable);
    if (this.underWay.has(place)) throw this.inFlight();
    this.underWay.add(place);
    let answered: Answer | undefined;
    try {
      const value = await together((made) => {
        answered = asText(answer(made));
        return { ...repeatable, reply: this.keptReply(repeatable, answered) };
      });
      if (value === undefined) return undefined;
      this.options.count?.('kept');
      return answered ?? answer(value);
    } finally {
      this.underWay.delete(place);
    }
  }

  private async keyed<T, Answer extends Reply>(
    repeatable: RepeatableWrite,
    run: (write: Write<T>) => Promise<T>,
    answer: (value: T) => Answer,
  ): Promise<Answer> {
    const { database, count } = this.options;
    let answered: Answer | undefined;
    const write: Write<T> = (work, how) => {
      if (answered) throw new Error(`${repeatable.operation} writes twice under one Idempotency-Key`);
      return database.transaction(async (trx) => {
        await this.begin(trx, repeatable);
        const value = await work(trx);
        answered = asText(answer(value));
        await this.keep(trx, repeatable, answered);
        return value;
      }, how);
    };
    try {
      const value = await run(write);
      if (answered) count?.('kept');
      return answered ?? answer(value);
    } catch (error) {
      if (!(error instanceof Replay)) throw error;
      count?.('replayed');
      // It was such an answer when it was kept.
      return error.reply as Answer;
    }
  }

  private async begin(trx: Transaction, write: RepeatableWrite): Promise<void> {
    const found = await this.options.keys.find(trx, write);
    if (found.state === 'free') return;
    if (found.state === 'in-flight') throw this.inFlight();
    const body = found.state === 'kept' ? this.open(found.reply.body, write) : undefined;
    if (found.state === 'kept' && body !== undefined) throw new Replay({ ...found.reply, body });
    this.options.count?.('mismatch');
    throw idempotencyErrors.mismatch();
  }

  private open(body: string | null, write: RepeatableWrite): string | null | undefined {
    const { answers } = this.options;
    return body === null || !answers ? body : answers.open(body, placeOf(write));
  }

  private async keep(trx: Transaction, write: RepeatableWrite, reply: Reply): Promise<void> {
    const kept = await this.options.keys.keep(trx, write, this.keptReply(write, reply));
    if (!kept) throw this.inFlight();
  }

  private keptReply(write: RepeatableWrite, { status, headers = [], raw }: Reply): KeptReply {
    const plain = raw === undefined ? null : raw.toString();
    const sealed = plain === null ? null : (this.options.answers?.seal(plain, placeOf(write)) ?? plain);
    return { status, headers: [...headers], body: sealed };
  }

  private inFlight(): Error {
    this.options.count?.('in_flight');
    return idempotencyErrors.inFlight();
  }
}

const keepNothing = (): undefined => undefined;

/** Written as JSON once, though it is both kept and sent. */
function asText<Answer extends Reply>(answer: Answer): Answer {
  const { raw, body } = answer;
  return raw !== undefined || body === undefined ? answer : { ...answer, raw: JSON.stringify(body) };
}

/** Where there is no user, nobody but who asks for the very same thing finds the key. */
function nobodyWho(fingerprint: Buffer): string {
  return fingerprint.toString('hex', 0, uuidBytes);
}

function placeOf({ userId, operation, key }: RepeatableWrite): string {
  return [userId.replaceAll('-', ''), operation, key].join('\n');
}

/** Ends a transaction, and the service's work with it, where the answer is known already. */
class Replay extends Error {
  readonly reply: Reply;

  constructor({ status, headers, body }: KeptReply) {
    super('The answer is known already');
    this.reply = { status, headers: [...headers, ...replayedHeader], ...(body !== null && { raw: body }) };
  }
}
