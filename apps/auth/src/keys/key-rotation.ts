import type { Database, Transaction } from '@rostrum/data-access';
import type { Write } from '@rostrum/service-kit';
import type { AuditActor, AuditOrigin } from '../audit/audit-event';
import type { AuditLog } from '../audit/audit-log';
import type { Revocations } from '../revocations/revocations';
import type { KeyMaker } from './key-maker';
import { readyAt, scheduledKey, signingKeyAt, spentKeys, waitingKey, type KeyTimes } from './key-schedule';
import { keysErrors } from './keys.errors';
import { SigningKeysRepository, type NewKey, type StoredKey } from './signing-keys.repository';

export interface KeyRotationDependencies {
  database: Database;
  maker: KeyMaker;
  revocations: Pick<Revocations, 'revokeKey'>;
  audit: Pick<AuditLog, 'record'>;
}

export interface KeyRotationOptions {
  times: KeyTimes;
  /** For how long a key signs; 0 is for ever. */
  rotationMs: number;
  /** The key to begin with, instead of a new one. */
  importPem?: string | undefined;
}

/** Who wants it, from where. */
export interface KeyOrder {
  actor: AuditActor;
  from?: AuditOrigin | undefined;
}

/** The key that signs next, and from when on. */
export interface NextKey {
  kid: string;
  signsFrom: Date;
}

/** Changes the keys: one at a time over all processes, and each change is in the audit log. */
export class KeyRotation {
  constructor(
    private readonly dependencies: KeyRotationDependencies,
    private readonly options: KeyRotationOptions,
  ) {}

  /** Sees to it that there is a key that signs and one, published already, that could at any time. */
  async ensure(actor: AuditActor): Promise<void> {
    const { database, maker } = this.dependencies;
    const wanted = missingOf(await new SigningKeysRepository(database).all());
    if (!wanted.signing && !wanted.waiting) return;
    // Made before anybody is kept waiting for it.
    const made = {
      signing: wanted.signing ? await this.firstKey() : undefined,
      waiting: await maker.make(),
    };
    await database.transaction(async (trx) => {
      const { keys, all } = await openKeys(trx);
      const missing = missingOf(all);
      if (missing.signing) await this.begin(trx, { all, ...made });
      if (missing.waiting || missing.signing) await keys.add(made.waiting);
      if (missing.signing) await this.note(trx, 'signing_key.created', { actor });
    });
  }

  /** The waiting key signs from now on, or as soon as it has been published for long enough. */
  rotate(order: KeyOrder, write: Write<NextKey> = this.transact): Promise<NextKey> {
    return this.rotateIf(() => true, order, write);
  }

  private async rotateIf(
    mayStill: (all: readonly StoredKey[]) => boolean,
    { actor, from }: KeyOrder,
    write: Write<NextKey> = this.transact,
  ): Promise<NextKey> {
    await this.ensure(actor);
    const next = await this.dependencies.maker.make();
    return write(async (trx) => {
      const { keys, all, now } = await openKeys(trx);
      const waiting = waitingKey(all);
      if (!waiting || scheduledKey(all, now) || !mayStill(all)) throw keysErrors.rotationUnderWay();
      const signsFrom = new Date(Math.max(now, readyAt(waiting, this.options.times)));
      await keys.setTurn(waiting.kid, signsFrom);
      await keys.add(next);
      const details = { signsFrom: signsFrom.toISOString() };
      await this.note(trx, 'signing_key.rotated', { actor, from, kid: waiting.kid, details });
      return { kid: waiting.kid, signsFrom };
    });
  }

  /** For a key that somebody else may have: whatever it has signed is refused everywhere within seconds. */
  async revoke(
    kid: string,
    { actor, from, reason }: KeyOrder & { reason: string },
    write: Write<void> = this.transact,
  ): Promise<void> {
    const spare = await this.dependencies.maker.make();
    await write(async (trx) => {
      const { keys, all, now } = await openKeys(trx);
      const key = all.find((other) => other.kid === kid);
      if (!key) throw keysErrors.unknown();
      if (key.revokedAt) throw keysErrors.alreadyRevoked();
      const signed = signingKeyAt(all, now)?.kid === kid;
      await keys.revoke(kid, reason);
      await this.dependencies.revocations.revokeKey(trx, kid);
      const rest = all.filter((other) => other !== key);
      const waiting = waitingKey(rest);
      // The one that waits has long been published: nobody's good token is refused for its sake.
      if (signed && waiting) await keys.setTurn(waiting.kid, new Date(now));
      if (signed && !waiting) await keys.add({ ...spare, signsFrom: new Date(now) });
      else if (signed || !waiting) await keys.add(spare);
      await this.note(trx, 'signing_key.revoked', { actor, from, kid, details: { reason, signed } });
    });
    await this.ensure(actor);
  }

  /** What the worker does now and then: the key that has signed for long enough makes room, spent keys are removed. */
  async keepUp(actor: AuditActor): Promise<void> {
    const { database } = this.dependencies;
    await this.ensure(actor);
    const keys = new SigningKeysRepository(database);
    const all = await keys.all();
    const now = Date.now();
    const spent = spentKeys(all, now).filter(({ sealedPrivateKey }) => sealedPrivateKey !== null);
    if (spent.length > 0) await keys.removePrivateHalves(spent.map(({ kid }) => kid));
    const isDue = (keysNow: readonly StoredKey[]) => this.isDue(keysNow);
    if (isDue(all)) await this.rotateIf(isDue, { actor }).catch(unlessUnderWay);
  }

  private readonly transact = <T>(work: (trx: Transaction) => Promise<T>): Promise<T> =>
    this.dependencies.database.transaction(work);

  private isDue(all: readonly StoredKey[]): boolean {
    const { rotationMs } = this.options;
    const now = Date.now();
    const since = signingKeyAt(all, now)?.signsFrom?.getTime();
    return rotationMs > 0 && since !== undefined && since + rotationMs <= now && !scheduledKey(all, now);
  }

  /** Nothing has been signed yet, or nothing can be: no verifier has to know the key beforehand. */
  private async begin(trx: Transaction, { all, signing, waiting }: Beginning): Promise<void> {
    const keys = new SigningKeysRepository(trx);
    const published = waitingKey(all);
    const signsFrom = new Date();
    if (published) await keys.setTurn(published.kid, signsFrom);
    else await keys.add({ ...(signing ?? waiting), signsFrom });
  }

  private async firstKey(): Promise<NewKey> {
    const { maker } = this.dependencies;
    const isEmpty = (await new SigningKeysRepository(this.dependencies.database).all()).length === 0;
    return this.options.importPem !== undefined && isEmpty
      ? maker.take(this.options.importPem)
      : maker.make();
  }

  private async note(trx: Transaction, action: `${string}.${string}`, noted: NotedChange): Promise<void> {
    const { kid, details, ...order } = noted;
    const target = kid === undefined ? undefined : { key: kid };
    await this.dependencies.audit.record(trx, { action, result: 'succeeded', target, details, ...order });
  }
}

interface Beginning {
  all: readonly StoredKey[];
  signing: NewKey | undefined;
  waiting: NewKey;
}

interface NotedChange extends KeyOrder {
  kid?: string;
  details?: Record<string, string | boolean>;
}

async function openKeys(trx: Transaction) {
  const keys = new SigningKeysRepository(trx);
  await keys.lock();
  return { keys, all: await keys.all(), now: Date.now() };
}

/** A key whose private half is gone signs nothing, whatever its time. */
function missingOf(all: readonly StoredKey[]): { signing: boolean; waiting: boolean } {
  const signing = signingKeyAt(all, Date.now());
  return { signing: !signing?.sealedPrivateKey, waiting: waitingKey(all) === undefined };
}

/** Another process was first. */
function unlessUnderWay(error: unknown): void {
  if ((error as { code?: string }).code !== 'ROTATION_UNDER_WAY') throw error;
}
