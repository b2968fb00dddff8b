import type { Database } from '../postgres/database';
import type { Transaction } from '../postgres/transaction';
import { eventErrors } from './events.errors';
import { WorkLoop } from './work-loop';

/** The right to handle a partition for a group. Each new owner gets a greater token than all before it. */
export interface Lease {
  partition: number;
  token: string;
}

export interface LeasesOptions {
  database: Database;
  /** The service's schema, which holds the tables made by `createLeaseTables`. */
  schema: string;
  stream: string;
  group: string;
  member: string;
  partitions: number;
  /** After so long without a word from its owner a partition is free. */
  ttlMs: number;
  onTaken: (lease: Lease) => void;
  onLost: (partition: number) => void;
  onError: (error: unknown) => void;
}

/**
 * Shares a stream's partitions among the living members of a group: nobody has more than a fair part, and each
 * partition has one owner. The leases are in the database that handlers write to, so that a transaction can check its
 * own: `assertHeld` locks the lease's row until the commit, and nobody can take a partition over meanwhile. Expiry only
 * says when to try; a member that was frozen for an hour wakes up to find that it can write nothing.
 */
export class Leases {
  private readonly held = new Map<number, Lease>();
  private readonly scope: readonly [stream: string, group: string];
  private readonly loop: WorkLoop;
  private begun = false;

  constructor(private readonly options: LeasesOptions) {
    const { stream, group, ttlMs, onError } = options;
    this.scope = [stream, group];
    this.loop = new WorkLoop({ round: () => this.keep().then(() => ttlMs / 3), onError });
  }

  /** Lets go of everything, so that others need not wait for it to run out. */
  async stop(): Promise<void> {
    await this.loop.stop();
    const { database, schema, member, onError } = this.options;
    const leave = database.transaction(async (trx) => {
      await this.release(trx, [...this.held.values()]);
      await trx.query(
        'leases.leave',
        `delete from ${schema}.event_members where stream = $1 and event_group = $2 and member = $3`,
        [...this.scope, member],
      );
    });
    // Without the database, time frees them.
    await leave.catch(onError);
    this.held.clear();
  }

  /** To be asked first in a transaction that handles events of the partition. Rejects if the lease is no longer ours. */
  async assertHeld(trx: Transaction, lease: Lease): Promise<void> {
    const { schema, member } = this.options;
    // "key share" waits for whoever is about to take over, and not for our own renewals.
    const { rowCount } = await trx.query(
      'leases.assert-held',
      `select from ${schema}.event_leases
        where stream = $1 and event_group = $2 and partition = $3 and owner = $4 and token = $5 for key share`,
      [...this.scope, lease.partition, member, lease.token],
    );
    if (rowCount === 0) throw eventErrors.leaseLost();
  }

  /**
   * Notes that an event is about to be tried once more, and resolves to how often that makes. The note outlives the
   * process, so that an event which kills its handlers is counted too. The first try, in a batch, is not noted.
   */
  async countAttempt(lease: Lease, what: string): Promise<number> {
    const { database, schema, member } = this.options;
    const { rows } = await database.query<{ attempts: number }>(
      'leases.count-attempt',
      `update ${schema}.event_leases
          set attempts = case when attempted = $6 then attempts + 1 else 2 end, attempted = $6
        where stream = $1 and event_group = $2 and partition = $3 and owner = $4 and token = $5 returning attempts`,
      [...this.scope, lease.partition, member, lease.token, what],
    );
    if (!rows[0]) throw eventErrors.leaseLost();
    return rows[0].attempts;
  }

  /** What a transaction found out. */
  noteLost({ partition, token }: Lease): void {
    if (this.held.get(partition)?.token === token) this.lose(partition);
  }

  /** Whether what was refused for want of something is not for want of PostgreSQL. */
  isDatabaseThere(): Promise<boolean> {
    return this.options.database.ping().then(
      () => true,
      () => false,
    );
  }

  /** Names of members that have not been heard of for long. */
  async forgetMembers(): Promise<void> {
    const { database, schema } = this.options;
    await database.query(
      'leases.forget-members',
      `delete from ${schema}.event_members
        where stream = $1 and event_group = $2 and expires_at < now() - interval '1 day'`,
      [...this.scope],
    );
  }

  private async keep(): Promise<void> {
    const { database, partitions } = this.options;
    const outcome = await database.transaction(async (trx) => {
      if (!this.begun) await this.begin(trx);
      const kept = new Set(await this.renew(trx));
      const fair = Math.ceil((partitions + 1) / (await this.livingMembers(trx)));
      const mine = [...this.held.values()].filter(({ partition }) => kept.has(partition));
      await this.release(trx, mine.slice(fair));
      const taken = mine.length < fair ? await this.takeFree(trx, fair - mine.length) : [];
      return { mine: mine.slice(0, fair), taken };
    });
    this.begun = true;
    this.adopt(outcome);
  }

  /** What another process of our name has left behind is free at once. */
  private async begin(trx: Transaction): Promise<void> {
    const { schema, partitions, member } = this.options;
    await trx.query(
      'leases.create',
      `insert into ${schema}.event_leases (stream, event_group, partition)
       select $1, $2, partition from generate_series(0, $3::int) as partition on conflict do nothing`,
      [...this.scope, partitions],
    );
    await trx.query(
      'leases.disown',
      `update ${schema}.event_leases set owner = null, expires_at = now()
        where stream = $1 and event_group = $2 and owner = $3`,
      [...this.scope, member],
    );
  }

  private async renew(trx: Transaction): Promise<number[]> {
    const { schema, member, ttlMs } = this.options;
    const held = [...this.held.values()];
    const { rows } = await trx.query<{ partition: number }>(
      'leases.renew',
      `update ${schema}.event_leases as l set expires_at = now() + $4 * interval '1 millisecond'
         from unnest($5::int[], $6::bigint[]) as held (partition, token)
        where l.stream = $1 and l.event_group = $2 and l.owner = $3
          and l.partition = held.partition and l.token = held.token returning l.partition`,
      [
        ...[...this.scope, member, ttlMs],
        ...[held.map(({ partition }) => partition), held.map(({ token }) => token)],
      ],
    );
    return rows.map(({ partition }) => partition);
  }

  private async livingMembers(trx: Transaction): Promise<number> {
    const { schema, member, ttlMs } = this.options;
    await trx.query(
      'leases.sign-of-life',
      `insert into ${schema}.event_members (stream, event_group, member, expires_at)
       values ($1, $2, $3, now() + $4 * interval '1 millisecond')
       on conflict (stream, event_group, member) do update set expires_at = excluded.expires_at`,
      [...this.scope, member, ttlMs],
    );
    const { rows } = await trx.query<{ count: number }>(
      'leases.count-members',
      `select count(*)::int as count from ${schema}.event_members
        where stream = $1 and event_group = $2 and expires_at > now()`,
      [...this.scope],
    );
    return Math.max(1, rows[0]?.count ?? 1);
  }

  /** A partition whose owner is in the middle of a transaction is not free, whatever the time says. */
  private async takeFree(trx: Transaction, count: number): Promise<Lease[]> {
    const { schema, member, ttlMs } = this.options;
    const { rows } = await trx.query<{ partition: number; token: string }>(
      'leases.take',
      `update ${schema}.event_leases as l
          set owner = $3, token = l.token + 1, expires_at = now() + $4 * interval '1 millisecond'
         from (select partition from ${schema}.event_leases
                where stream = $1 and event_group = $2 and expires_at <= now()
                order by partition limit $5 for update skip locked) as free
        where l.stream = $1 and l.event_group = $2 and l.partition = free.partition
       returning l.partition, l.token`,
      [...this.scope, member, ttlMs, count],
    );
    return rows.map(({ partition, token }) => ({ partition, token: String(token) }));
  }

  private async release(trx: Transaction, leases: Lease[]): Promise<void> {
    if (leases.length === 0) return;
    const { schema, member } = this.options;
    await trx.query(
      'leases.release',
      `update ${schema}.event_leases as l set owner = null, expires_at = now()
         from unnest($4::int[], $5::bigint[]) as given (partition, token)
        where l.stream = $1 and l.event_group = $2 and l.owner = $3
          and l.partition = given.partition and l.token = given.token`,
      [
        ...[...this.scope, member],
        ...[leases.map(({ partition }) => partition), leases.map(({ token }) => token)],
      ],
    );
  }

  private adopt({ mine, taken }: { mine: Lease[]; taken: Lease[] }): void {
    const kept = new Set(mine.map(({ partition }) => partition));
    for (const partition of [...this.held.keys()]) if (!kept.has(partition)) this.lose(partition);
    for (const lease of taken) {
      this.held.set(lease.partition, lease);
      this.options.onTaken(lease);
    }
  }

  private lose(partition: number): void {
    this.held.delete(partition);
    this.options.onLost(partition);
  }
}
