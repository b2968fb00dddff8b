import { createTestDatabase, waitFor, type TestDatabase } from '@rostrum/testing';
import fc from 'fast-check';
import { createDatabase, withClient, type Database } from '../../src';
import { Leases, type Lease } from '../../src/events/leases';
import { thingsMigrations } from '../things';
import { seed } from './chance';

const partitions = 5;

let own: TestDatabase;
let database: Database;
const members: Member[] = [];

/** A member and what it believes to hold. */
class Member {
  readonly held = new Map<number, Lease>();
  readonly leases: Leases;

  constructor(
    readonly name: string,
    ttlMs = 600,
  ) {
    this.leases = new Leases({
      ...{ database, schema: 'alpha', stream: 'events:alpha', group: 'counters', member: name },
      ...{ partitions, ttlMs, onError: () => undefined },
      onTaken: (lease) => this.held.set(lease.partition, lease),
      onLost: (partition) => this.held.delete(partition),
    });
    members.push(this);
  }

  get count(): number {
    return this.held.size;
  }

  lease(partition: number): Lease {
    const lease = this.held.get(partition);
    if (!lease) throw new Error(`${this.name} does not hold ${partition}`);
    return lease;
  }

  /** Whether a transaction may write for this partition now. */
  async mayWrite(lease: Lease): Promise<boolean> {
    return database
      .transaction((trx) => this.leases.assertHeld(trx, lease))
      .then(
        () => true,
        (error: unknown) => {
          expect(error).toMatchObject({ code: 'LEASE_LOST' });
          return false;
        },
      );
  }

  async stop(): Promise<void> {
    members.splice(members.indexOf(this), 1);
    await this.leases.stop();
  }
}

beforeEach(async () => {
  own = await createTestDatabase('alpha', thingsMigrations);
  database = createDatabase({ url: own.url, max: 12 });
});
afterEach(async () => {
  await Promise.all([...members].map((member) => member.stop()));
  await database.close(1_000);
  await own.drop();
});

const asAdmin = (text: string) =>
  withClient(own.adminUrl, (admin) => admin.query(`set search_path = alpha; ${text}`));
/** What an owner leaves that has not been heard of for long. */
const expire = (owner: string) =>
  asAdmin(`
    update event_leases set expires_at = now() - interval '1 minute' where owner = '${owner}';
    update event_members set expires_at = now() - interval '1 minute' where member = '${owner}'`);

it('all partitions, that of replays included, are the first member’s', async () => {
  const one = new Member('one');
  await waitFor(() => one.count === partitions + 1);
});

it('each member has its fair part, whoever comes and goes', async () => {
  const [one, two] = [new Member('one'), new Member('two')];
  await waitFor(() => one.count === 3 && two.count === 3);
  const three = new Member('three');
  await waitFor(() => one.count === 2 && two.count === 2 && three.count === 2);
  await two.stop();
  await waitFor(() => one.count === 3 && three.count === 3);
  expect([...one.held.keys(), ...three.held.keys()].sort()).toEqual([0, 1, 2, 3, 4, 5]);
});

it('a partition is never two members’ at a time, as far as writing goes', async () => {
  const one = new Member('one', 60_000);
  await waitFor(() => one.count === partitions + 1);
  const lease = one.lease(2);
  expect(await one.mayWrite(lease)).toBe(true);
  await expire('one');
  const two = new Member('two');
  await waitFor(() => two.held.has(2));
  // The first has not been told, and finds out when it tries.
  expect(one.held.get(2)).toEqual(lease);
  expect(await one.mayWrite(lease)).toBe(false);
  expect(await two.mayWrite(two.lease(2))).toBe(true);
  await expect(one.leases.countAttempt(lease, 'event')).rejects.toMatchObject({ code: 'LEASE_LOST' });
  one.leases.noteLost(lease);
  expect(one.held.has(2)).toBe(false);
});

it('nobody takes a partition over in the middle of its owner’s transaction', async () => {
  const one = new Member('one', 60_000);
  await waitFor(() => one.count === partitions + 1);
  const lease = one.lease(0);
  let two: Member | undefined;
  await database.transaction(async (trx) => {
    await one.leases.assertHeld(trx, lease);
    await expire('one');
    two = new Member('two', 300);
    // All but the one that is in use.
    await waitFor(() => two?.count === partitions);
    expect(two.held.has(0)).toBe(false);
    await trx.query('effect', `insert into effects (key, name, member) values ('k', 'n', 'one')`);
  });
  await waitFor(() => two?.held.has(0));
  expect(await one.mayWrite(lease)).toBe(false);
});

it('renewing does not wait for what the owner is in the middle of', async () => {
  const one = new Member('one', 300);
  await waitFor(() => one.count === partitions + 1);
  const expiry = async () =>
    (
      await database.query<{ at: Date }>(
        'expiry',
        'select expires_at as at from event_leases where partition = 0',
      )
    ).rows[0]?.at.getTime() ?? 0;
  await database.transaction(async (trx) => {
    await one.leases.assertHeld(trx, one.lease(0));
    const before = await expiry();
    await waitFor(async () => (await expiry()) > before);
  });
});

it('a process that has the name of one that died has its partitions at once, and the dead one’s leases are void', async () => {
  const dead = new Member('one', 60_000);
  await waitFor(() => dead.count === partitions + 1);
  const lease = dead.lease(1);
  const heir = new Member('one', 60_000);
  await waitFor(() => heir.count === partitions + 1);
  expect(await dead.mayWrite(lease)).toBe(false);
  expect(await heir.mayWrite(heir.lease(1))).toBe(true);
  expect(BigInt(heir.lease(1).token)).toBeGreaterThan(BigInt(lease.token));
});

it('tries are counted across owners, for one event at a time', async () => {
  const one = new Member('one', 60_000);
  await waitFor(() => one.count === partitions + 1);
  const count = (member: Member, what: string) => member.leases.countAttempt(member.lease(0), what);
  expect([await count(one, 'a'), await count(one, 'a')]).toEqual([2, 3]);
  const two = new Member('one', 60_000);
  await waitFor(() => two.count === partitions + 1);
  expect(await count(two, 'a')).toBe(4);
  expect(await count(two, 'b')).toBe(2);
  expect(await count(two, 'a')).toBe(2);
});

it('goes on when PostgreSQL is back', async () => {
  const one = new Member('one', 300);
  await waitFor(() => one.count === partitions + 1);
  await asAdmin(
    'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
  );
  await waitFor(async () => one.count === partitions + 1 && (await one.mayWrite(one.lease(0))));
});

it('whatever members come, go, freeze and expire, no two of them may write for one partition', async () => {
  const step = fc.oneof(
    fc.record({ do: fc.constant('join' as const), who: fc.nat(4) }),
    fc.record({ do: fc.constant('leave' as const), who: fc.nat(4) }),
    fc.record({ do: fc.constant('expire' as const), who: fc.nat(4) }),
  );
  // Leases as they were given, also those that their holders have lost since: a frozen process still has them.
  const given: { member: Member; lease: Lease }[] = [];
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 8 }), async (steps) => {
      for (const each of steps) {
        const member = members.find(({ name }) => name === `m${each.who}`);
        if (each.do === 'join' && !member) new Member(`m${each.who}`, 200);
        else if (each.do === 'leave' && member) await member.stop();
        else if (each.do === 'expire') await expire(`m${each.who}`);
        for (const one of members) for (const lease of one.held.values()) given.push({ member: one, lease });
        for (let partition = 0; partition <= partitions; partition += 1) {
          const claims = given.filter(({ lease }) => lease.partition === partition);
          const distinct = new Map(
            claims.map((claim) => [`${claim.member.name} ${claim.lease.token}`, claim]),
          );
          const allowed = await Promise.all(
            [...distinct.values()].map((one) => one.member.mayWrite(one.lease)),
          );
          expect(allowed.filter(Boolean).length).toBeLessThanOrEqual(1);
        }
      }
    }),
    { seed, numRuns: 4, endOnFailure: true },
  );
});
