import { randomInt } from 'node:crypto';
import type { Database, Transaction } from '@rostrum/data-access';
import { isAppError } from '@rostrum/errors';
import { currentContext } from '@rostrum/observability';
import type { Envelope, Place } from '@rostrum/security';
import { v7 as uuidv7 } from 'uuid';
import type { PersonKey, UserKeys } from '../keys/user-keys';
import { chainCount, type AuditBody, type AuditEntry } from './audit-event';
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
    const { userKeys, envelope } = this.dependencies;
    const body = await this.bodyOf(entry, ({ value, place, owner }) =>
      owner ? userKeys.seal(trx, owner, { plain: value, place }) : envelope.seal(value, place),
    );
    await new AuditRepository(trx).append(this.chainOf(trx, body), JSON.stringify(body));
  }

  /**
   * The row of an event about somebody whose key is at hand, for a statement that writes it together with what happened.
   * Whoever calls this writes it.
   */
  async compose(entry: AuditEntry, key: Pick<PersonKey, 'seal'>): Promise<AuditRecord> {
    const body = await this.bodyOf(entry, ({ value, place, owner }) =>
      Promise.resolve(
        owner ? key.seal({ plain: value, place }) : this.dependencies.envelope.seal(value, place),
      ),
    );
    return { chain: chainOfPerson(body), body: JSON.stringify(body) };
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

  private async bodyOf(entry: AuditEntry, sealer: Sealer): Promise<AuditBody> {
    const { personal, from, ...open } = entry;
    const id = uuidv7();
    const actorId = entry.actor.kind === 'user' ? entry.actor.id : undefined;
    const seal = async (part: string, owner: string | undefined, value: object | undefined) => {
      if (!value) return undefined;
      const place = { table: 'audit_events', column: part, row: id };
      const sealed = await sealer({ value: JSON.stringify(value), place, owner });
      return { owner: owner ?? null, data: sealed.toString('base64') };
    };
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

  private chainOf(trx: Transaction, body: AuditBody): number {
    const chain = this.chains.get(trx) ?? chainOfPerson(body);
    this.chains.set(trx, chain);
    return chain;
  }
}

/** All events about one person are in one chain, so that their order is beyond doubt. */
function chainOfPerson({ subjectId, actor }: AuditBody): number {
  const person = subjectId ?? (actor.kind === 'user' ? actor.id : undefined);
  return person ? Number.parseInt(person.slice(-1), 16) : randomInt(chainCount);
}

/** An event as it is written. */
export interface AuditRecord {
  chain: number;
  body: string;
}

interface PartToSeal {
  value: string;
  place: Place;
  /** Whose key it is sealed with; the service's own where there is nobody. */
  owner: string | undefined;
}

type Sealer = (part: PartToSeal) => Promise<Buffer>;
