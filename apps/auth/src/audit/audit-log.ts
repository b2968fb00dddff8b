import { randomInt } from 'node:crypto';
import type { Database, Transaction } from '@rostrum/data-access';
import { isAppError } from '@rostrum/errors';
import { currentContext } from '@rostrum/observability';
import type { Envelope } from '@rostrum/security';
import { v7 as uuidv7 } from 'uuid';
import type { UserKeys } from '../keys/user-keys';
import { chainCount, type AuditBody, type AuditEntry, type SealedPart } from './audit-event';
import { AuditRepository } from './audit.repository';

export interface AuditLogDependencies {
  database: Pick<Database, 'transaction'>;
  userKeys: Pick<UserKeys, 'seal'>;
  envelope: Pick<Envelope, 'seal'>;
}

/** Writes down what happened, for good: rows can be added and read, and any other change of them shows. */
export class AuditLog {
  /** A transaction stays with one chain, so that two transactions can never wait for each other's. */
  private readonly chains = new WeakMap<Transaction, number>();

  constructor(private readonly dependencies: AuditLogDependencies) {}

  /**
   * Written down if, and only if, the transaction commits. Record last: from here to the commit nobody else adds to the
   * same chain.
   */
  async record(trx: Transaction, entry: AuditEntry): Promise<void> {
    const body = await this.bodyOf(trx, entry);
    await new AuditRepository(trx).append(this.chainOf(trx, body), JSON.stringify(body));
  }

  /** For what changes nothing else, such as a refusal. */
  async recordAlone(entry: AuditEntry): Promise<void> {
    await this.dependencies.database.transaction((trx) => this.record(trx, entry));
  }

  /** Notes that something was refused, where it was; what was done is for the work itself to note. */
  async notingRefusals<Result>(
    entry: Omit<AuditEntry, 'result'>,
    work: () => Promise<Result>,
  ): Promise<Result> {
    try {
      return await work();
    } catch (error) {
      if (isAppError(error) && error.status < 500) {
        await this.recordAlone({ ...entry, result: 'refused', details: { code: error.code } });
      }
      throw error;
    }
  }

  private async bodyOf(trx: Transaction, entry: AuditEntry): Promise<AuditBody> {
    const { personal, from, ...open } = entry;
    const id = uuidv7();
    const actorId = entry.actor.kind === 'user' ? entry.actor.id : undefined;
    const seal = (part: string, owner: string | undefined, value: object | undefined) =>
      value && this.seal(trx, { eventId: id, part, owner, value });
    return {
      v: 1,
      id,
      at: Date.now(),
      ...open,
      personal: await seal('personal', entry.subjectId ?? actorId, personal),
      from: await seal('from', actorId ?? entry.subjectId, from),
      requestId: currentContext()?.requestId,
    };
  }

  private async seal(trx: Transaction, { eventId, part, owner, value }: PartToSeal): Promise<SealedPart> {
    const place = { table: 'audit_events', column: part, row: eventId };
    const plain = JSON.stringify(value);
    const sealed = owner
      ? await this.dependencies.userKeys.seal(trx, owner, { plain, place })
      : await this.dependencies.envelope.seal(plain, place);
    return { owner: owner ?? null, data: sealed.toString('base64') };
  }

  /** All events about one person are in one chain, so that their order is beyond doubt. */
  private chainOf(trx: Transaction, { subjectId, actor }: AuditBody): number {
    const person = subjectId ?? (actor.kind === 'user' ? actor.id : undefined);
    const chain =
      this.chains.get(trx) ?? (person ? Number.parseInt(person.slice(-1), 16) : randomInt(chainCount));
    this.chains.set(trx, chain);
    return chain;
  }
}

interface PartToSeal {
  eventId: string;
  part: string;
  owner: string | undefined;
  value: object;
}
