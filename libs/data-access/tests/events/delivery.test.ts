import { problems } from '@rostrum/errors';
import { waitFor } from '@rostrum/testing';
import { withClient, type BusEvent, type ConsumerOptions } from '../../src';
import { engineKinds, type Engine } from './engines';
import { effect, nameOf } from './shared';
import { byKey, EventStage, numbered, traceparent } from './stage';

describe.each(engineKinds)('events over $name', ({ start }) => {
  let engine: Engine;
  let stage: EventStage;

  beforeAll(async () => {
    engine = await start();
  });
  beforeEach(async () => {
    stage = await EventStage.open(engine);
  });
  afterEach(() => stage.close());
  afterAll(() => engine.close());

  describe('an event', () => {
    it('arrives as it was, with its trace', async () => {
      const seen: BusEvent[] = [];
      stage.relay();
      stage.consumer({
        handlers: { 'thing.happened': (event) => Promise.resolve(void seen.push(event)) },
      });
      await stage.publish(['a']);
      await waitFor(() => seen.length === 1);
      expect(seen[0]).toEqual({
        id: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
        type: 'thing.happened',
        version: 1,
        key: 'k',
        payload: { name: 'a' },
        traceparent,
        occurredAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/) as string,
      });
    });

    it('is published if, and only if, its transaction commits', async () => {
      await expect(stage.publishUndone('undone')).rejects.toThrow('undone');
      await stage.publish(['kept']);
      stage.relay();
      stage.consumer();
      expect(await stage.untilDone(1)).toEqual(['kept']);
    });

    it('is published at once, not at the relay’s next look', async () => {
      const relay = stage.relay({ pollMs: 60_000 });
      await stage.publish(['warm up']);
      await waitFor(async () => (await relay.backlog()).count === 0);
      const before = performance.now();
      await stage.publish(['a']);
      await waitFor(async () => (await stage.published()) === 2);
      expect(performance.now() - before).toBeLessThan(10_000);
    });

    it('of a type that nobody handles is passed over', async () => {
      stage.relay();
      stage.consumer({ handlers: {} });
      await stage.publish(['a']);
      await waitFor(async () => (await stage.published()) === 1);
      await stage.untilIdle();
      expect(await stage.names()).toEqual([]);
    });

    it('takes effect in each group', async () => {
      const other: string[] = [];
      stage.relay();
      stage.consumer();
      stage.consumer({
        group: 'others',
        handlers: { 'thing.happened': (event) => Promise.resolve(void other.push(nameOf(event))) },
      });
      await stage.publish(numbered(10));
      expect(await stage.untilDone(10)).toEqual(numbered(10));
      await waitFor(() => other.length === 10);
      expect(other).toEqual(numbered(10));
    });
  });

  describe('a relay', () => {
    it('keeps the order, over many batches and with others beside it', async () => {
      const all = numbered(120);
      for (let at = 0; at < all.length; at += 10) await stage.publish(all.slice(at, at + 10));
      for (let each = 0; each < 3; each += 1) stage.relay({ batchSize: 7, pollMs: 20 });
      stage.consumer();
      expect(await stage.untilDone(all.length)).toEqual(all);
      expect(await stage.published()).toBe(all.length);
    });

    it('that dies between publishing and noting it publishes again, with one effect', async () => {
      await holdFirst('update', 'outbox');
      const all = numbered(5);
      await stage.publish(all);
      stage.relay({ pollMs: 20, database: stage.otherDatabase('dying') });
      await waitFor(async () => (await stage.published()) === 5);
      await cutWhileRunning('update alpha.outbox');
      await waitFor(async () => (await outboxRows('published_at is not null')) === 5);
      stage.consumer();
      expect(await stage.untilDone(5)).toEqual(all);
    });

    it('publishes anew what the bus has lost', async () => {
      const { bus, proxy } = await engine.openThrough({ partitions: stage.partitions });
      const onRestored = jest.fn();
      const relay = stage.relay({ bus, pollMs: 20, hooks: { onRestored } });
      await stage.publish(['a', 'b', 'c']);
      await waitFor(async () => (await stage.published()) === 3 && (await relay.backlog()).count === 0);
      await engine.loseStream(stage.stream);
      proxy.reset();
      await waitFor(() => onRestored.mock.calls.length > 0);
      expect(onRestored).toHaveBeenCalledWith({ count: 3 });
      await stage.publish(['d']);
      stage.consumer();
      expect(await stage.untilDone(4)).toEqual(['a', 'b', 'c', 'd']);
    });

    it('looks by itself where it cannot be woken', async () => {
      await stage.asAdmin('revoke execute on function pg_notify from public');
      stage.relay({ pollMs: 50 });
      stage.consumer();
      await stage.publish(['a']);
      expect(await stage.untilDone(1)).toEqual(['a']);
    });

    it('tells how many wait, and for how long', async () => {
      const { bus, proxy } = await engine.openThrough({ partitions: stage.partitions });
      await proxy.refuse();
      await stage.publish(['a', 'b']);
      await stage.asAdmin("update outbox set occurred_at = now() - interval '90 seconds' where position = 1");
      const relay = stage.relay({ bus, pollMs: 20 });
      const { count, oldestSeconds } = await relay.backlog();
      expect(count).toBe(2);
      expect(oldestSeconds).toBeGreaterThanOrEqual(90);
      await proxy.heal();
      await waitFor(async () => (await relay.backlog()).count === 0, { timeoutMs: 20_000 });
      expect(await relay.backlog()).toEqual({ count: 0, oldestSeconds: 0 });
    });

    it('keeps what is published until every group is through with it', async () => {
      const held = Promise.withResolvers<void>();
      stage.consumer({
        handlers: {
          'thing.happened': async (event, trx) => {
            await held.promise;
            await effect(event, trx);
          },
        },
      });
      stage.relay({ pollMs: 20, retentionMs: 1, cleanUpEveryMs: 20, clockSkewMs: 300 });
      await stage.publish(['a', 'b']);
      await waitFor(async () => (await outboxRows('published_at is not null')) === 2);
      // One that nobody waits for shows that cleaning up has come by.
      for (let round = 0; round < 2; round += 1) {
        await stage.asAdmin(`
          insert into outbox (id, type, version, key, payload, published_at, entry_id)
          values (gen_random_uuid(), 't', 1, 'k', '{}', now() - interval '1 hour', '0/1-1')`);
        await waitFor(async () => (await outboxRows("type = 't'")) === 0);
      }
      expect(await outboxRows('true')).toBe(2);
      held.resolve();
      await stage.untilDone(2);
      await waitFor(async () => (await outboxRows('true')) === 0);
    });
  });

  describe('a consumer', () => {
    it('finds at its start what it left behind, before anything newer', async () => {
      const all = numbered(6);
      stage.relay({ pollMs: 20 });
      const held = Promise.withResolvers<never>();
      const first = stage.consumer({
        handlers: { 'thing.happened': () => held.promise },
        database: stage.otherDatabase('first'),
      });
      await stage.publish(all.slice(0, 3));
      await waitFor(async () => (await inHandlers('first')) > 0);
      await stage.publish(all.slice(3));
      held.reject(new Error('gone'));
      await stage.stop(first);
      stage.consumer();
      expect(await stage.untilDone(6)).toEqual(all);
    });

    it('is not confused when an answer with new events is lost on its way', async () => {
      const { bus, proxy } = await engine.openThrough({ partitions: stage.partitions });
      stage.relay();
      stage.consumer({ bus, blockMs: 10_000 });
      await stage.publish(['a']);
      await stage.untilDone(1);
      // It waits for more now; the answer will be cut off in its middle.
      proxy.resetMidReply(3);
      await stage.publish(['b']);
      expect(await stage.untilDone(2, 25_000)).toEqual(['a', 'b']);
    });

    it('whose acknowledgement is lost has one effect', async () => {
      const { bus, proxy } = await engine.openThrough({ partitions: stage.partitions });
      let first = true;
      stage.relay();
      stage.consumer({
        bus,
        handlers: {
          'thing.happened': async (event, trx) => {
            await effect(event, trx);
            if (first) trx.onCommit(() => proxy.refuse());
            first = false;
          },
        },
      });
      await stage.publish(['a']);
      await waitFor(async () => (await stage.names()).length === 1);
      await proxy.heal();
      await stage.publish(['b']);
      expect(await stage.untilDone(2, 25_000)).toEqual(['a', 'b']);
    });

    it('goes on when the whole stream is lost', async () => {
      stage.relay({ pollMs: 20 });
      stage.consumer();
      await stage.publish(['a']);
      await stage.untilDone(1);
      await engine.loseStream(stage.stream);
      const relay = stage.relay({ bus: engine.open({ partitions: stage.partitions }), pollMs: 20 });
      await stage.publish(['b']);
      await waitFor(async () => (await relay.backlog()).count === 0, { timeoutMs: 20_000 });
      expect(await stage.untilDone(2)).toEqual(['a', 'b']);
    });
  });

  describe('an event whose handler fails', () => {
    const poisoned: ConsumerOptions['handlers'] = {
      'thing.happened': async (event, trx) => {
        await effect(event, trx);
        if (nameOf(event).startsWith('poison')) throw new TypeError('secret of the payload');
      },
    };

    it('is set aside after five tries, says why, and holds its followers up no longer', async () => {
      const tries: number[] = [];
      const onDeadLetter = jest.fn();
      stage.relay();
      stage.consumer({
        handlers: poisoned,
        hooks: { onDeadLetter, onHandlerError: ({ attempts }) => tries.push(attempts) },
      });
      await stage.publish(['before', 'poison', 'after']);
      expect(await stage.untilDone(2)).toEqual(['before', 'after']);
      expect(tries.at(-1)).toBe(5);
      expect(tries.length).toBeLessThanOrEqual(5);
      expect(onDeadLetter).toHaveBeenCalledTimes(1);
      const letters = await stage.letters().list();
      expect(letters).toHaveLength(1);
      expect(letters[0]).toMatchObject({
        event: { type: 'thing.happened', payload: { name: 'poison' }, traceparent },
        reason: 'TypeError',
        attempts: 5,
        member: 'one',
      });
      expect(JSON.stringify(letters)).not.toContain('secret');
    });

    it('waits for longer and longer between its tries', async () => {
      const times: number[] = [];
      stage.relay();
      stage.consumer({
        retryMs: 40,
        handlers: {
          'thing.happened': () => {
            times.push(performance.now());
            return Promise.reject(new Error('no'));
          },
        },
      });
      await stage.publish(['poison']);
      await waitFor(async () => (await stage.letters().count()) === 1);
      const pauses = times.slice(1).map((time, index) => time - (times[index] ?? 0));
      expect(pauses).toHaveLength(4);
      // Half of it is left to chance, so that those that failed together do not come back together.
      pauses.forEach((pause, index) => expect(pause).toBeGreaterThan(40 * 2 ** index * 0.5 - 2));
    });

    it('holds up nobody but what follows it in its partition', async () => {
      stage.relay();
      stage.consumer({ retryMs: 150, handlers: poisoned });
      await stage.publish(['poison'], () => 'k0');
      const others = numbered(60);
      await stage.publish(others, (name) => `k${Number(name.slice(1)) % 20}`);
      await waitFor(async () => (await stage.names()).length >= 25);
      expect(await stage.letters().count()).toBe(0);
      await stage.untilDone(60);
      expect(await stage.letters().count()).toBe(1);
    });

    it('is handled when it is replayed, once, and by its group alone', async () => {
      let well = false;
      const other: string[] = [];
      stage.relay();
      stage.consumer({
        handlers: {
          'thing.happened': async (event, trx) => {
            if (!well && nameOf(event) === 'poison') throw new Error('not yet');
            await effect(event, trx);
          },
        },
      });
      stage.consumer({
        group: 'others',
        handlers: { 'thing.happened': (event) => Promise.resolve(void other.push(nameOf(event))) },
      });
      await stage.publish(['poison', 'after']);
      await stage.untilDone(1);
      const [letter] = await stage.letters().list();
      well = true;
      expect(await stage.letters().replay(letter?.id ?? '')).toBe(true);
      expect(await stage.untilDone(2)).toEqual(['after', 'poison']);
      expect(await stage.letters().count()).toBe(0);
      await waitFor(() => other.length >= 2);
      expect(other).toEqual(['poison', 'after']);
    });

    it('that hangs is ended in time, and what it does later does not count', async () => {
      const late: Promise<unknown>[] = [];
      const awake = Promise.withResolvers<void>();
      const signals: AbortSignal[] = [];
      stage.relay();
      stage.consumer({
        handlerTimeoutMs: 50,
        handlers: {
          'thing.happened': (event, trx, signal) => {
            if (nameOf(event) !== 'hangs') return effect(event, trx);
            signals.push(signal);
            const work = awake.promise.then(() => effect(event, trx));
            late.push(work.catch((error: unknown) => error));
            return work;
          },
        },
      });
      await stage.publish(['before', 'hangs', 'after']);
      expect(await stage.untilDone(2)).toEqual(['before', 'after']);
      expect(await stage.letters().list()).toMatchObject([
        { event: { payload: { name: 'hangs' } }, reason: 'AppError HANDLER_TIMEOUT', attempts: 5 },
      ]);
      expect(signals.every(({ aborted }) => aborted)).toBe(true);
      awake.resolve();
      for (const outcome of await Promise.all(late)) expect(outcome).toBeInstanceOf(Error);
      expect(await stage.names()).toEqual(['before', 'after']);
    });

    it('whose statement hangs is ended on the server', async () => {
      stage.relay();
      stage.consumer({
        handlerTimeoutMs: 100,
        handlers: {
          'thing.happened': async (event, trx) => {
            if (nameOf(event) === 'hangs') await trx.query('hang', 'select pg_sleep(60)');
            await effect(event, trx);
          },
        },
      });
      await stage.publish(['hangs', 'after']);
      expect(await stage.untilDone(1)).toEqual(['after']);
      await waitFor(async () => (await inHandlers('', 'pg_sleep')) === 0);
    });

    it('is not given up because something it needs is away', async () => {
      let away = 12;
      stage.relay();
      stage.consumer({
        handlers: {
          'thing.happened': async (event, trx) => {
            if (away-- > 0) throw problems.unavailable('posts', 1);
            await effect(event, trx);
          },
        },
        hooks: { onError: () => (away > 3 ? (away -= 4) : undefined) },
      });
      await stage.publish(['a']);
      expect(await stage.untilDone(1)).toEqual(['a']);
      expect(await stage.letters().count()).toBe(0);
    });

    it('because something is away for longer than anybody has patience for is set aside', async () => {
      stage.relay();
      stage.consumer({
        patienceMs: 50,
        handlers: {
          'thing.happened': async (event, trx) => {
            if (nameOf(event) === 'a') throw problems.unavailable('posts', 1);
            await effect(event, trx);
          },
        },
      });
      await stage.publish(['a', 'b']);
      expect(await stage.untilDone(1)).toEqual(['b']);
      expect(await stage.letters().list()).toMatchObject([{ reason: 'AppError POSTS_UNAVAILABLE' }]);
    });
  });

  it('sets aside an entry that is no event, and only that one', async () => {
    const onDeadLetter = jest.fn();
    await stage.publish(['a'], () => 'k');
    stage.relay();
    await waitFor(async () => (await stage.published()) === 1);
    for (const partition of [0, 1, 2]) await engine.putRaw(stage.stream, partition, 'thing');
    await stage.publish(['b'], () => 'k');
    await waitFor(async () => (await stage.published()) === 5);
    stage.consumer({ hooks: { onDeadLetter } });
    expect(await stage.untilDone(2)).toEqual(['a', 'b']);
    expect(await stage.letters().count()).toBe(3);
    expect(onDeadLetter).toHaveBeenCalledTimes(3);
  });

  describe('several members', () => {
    const keyOf = (name: string) => `k${Number(name.slice(1)) % 17}`;

    it('share the partitions, and one that leaves hands its own on at once', async () => {
      const partitions: Record<string, number> = {};
      const join = (member: string) =>
        stage.consumer({
          member,
          leaseMs: 1_500,
          database: stage.otherDatabase(member),
          bus: engine.open({ partitions: stage.partitions }),
          hooks: { onPartitions: (count) => (partitions[member] = count) },
        });
      stage.relay({ pollMs: 20 });
      const one = join('one');
      await waitFor(() => partitions['one'] === 4);
      join('two');
      await waitFor(() => partitions['one'] === 2 && partitions['two'] === 2);
      await stage.publish(numbered(100), keyOf);
      await stage.untilDone(100);
      await stage.stop(one);
      await waitFor(() => partitions['two'] === 4);
      await stage.publish(numbered(100, 100), keyOf);
      await stage.untilDone(200);
      const effects = await stage.effects();
      expect(new Set(effects.slice(0, 100).map(({ member }) => member)).size).toBe(2);
      for (const [key, names] of byKey(effects)) {
        expect(names).toEqual(numbered(200).filter((name) => keyOf(name) === key));
      }
    });
  });

  it('has every effect once, in order, while connections are cut again and again', async () => {
    const { bus, proxy } = await engine.openThrough({ partitions: stage.partitions });
    // Apart from the publisher's: where a commit's answer is lost, only the publisher can know what to do.
    const database = stage.otherDatabase('cuttable');
    const all = numbered(200);
    stage.relay({ bus, database, pollMs: 50, batchSize: 20 });
    stage.consumer({ bus, database, batchSize: 10 });
    for (let at = 0; at < all.length; at += 10) {
      await stage.publish(all.slice(at, at + 10));
      if (at % 40 !== 30) continue;
      await waitFor(async () => (await stage.names()).length > at - 20, { timeoutMs: 25_000 });
      proxy.reset();
      await stage.asAdmin(
        `select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'cuttable%'`,
      );
    }
    expect(await stage.untilDone(all.length, 25_000)).toEqual(all);
    expect(await stage.letters().count()).toBe(0);
  }, 60_000);

  /** Holds the first statement of this kind up, and no other: a sequence counts on although its transaction is undone. */
  async function holdFirst(operation: string, table: string): Promise<void> {
    await stage.asAdmin(`
      create sequence holds;
      grant usage on holds to rostrum_alpha;
      create function hold() returns trigger language plpgsql as $$ begin
        if nextval('alpha.holds') = 1 then perform pg_sleep(20); end if;
        return null;
      end $$;
      grant execute on function hold() to rostrum_alpha;
      create trigger hold after ${operation} on ${table} for each row execute function hold()`);
  }

  /** Ends the connections on which a statement like this runs, as a crash of their process would. */
  async function cutWhileRunning(text: string): Promise<void> {
    await waitFor(() =>
      withClient(stage.own.adminUrl, async (admin) => {
        const { rowCount } = await admin.query(
          `select pg_terminate_backend(pid) from pg_stat_activity
            where datname = current_database() and state = 'active' and wait_event = 'PgSleep' and query like $1`,
          [`%${text}%`],
        );
        return rowCount;
      }),
    );
  }

  /** Transactions of this process that are in the middle of a handler, or of such a statement. */
  async function inHandlers(applicationName: string, text = 'inbox'): Promise<number> {
    return withClient(stage.own.adminUrl, async (admin) => {
      const { rowCount } = await admin.query(
        `select from pg_stat_activity
          where datname = current_database() and pid <> pg_backend_pid() and application_name like $1 || '%'
            and state in ('active', 'idle in transaction') and query like '%' || $2 || '%'`,
        [applicationName, text],
      );
      return rowCount ?? 0;
    });
  }

  async function outboxRows(condition: string): Promise<number> {
    return withClient(stage.own.adminUrl, async (admin) => {
      const { rows } = await admin.query<{ count: number }>(
        `select count(*)::int as count from alpha.outbox where ${condition}`,
      );
      return rows[0]?.count ?? 0;
    });
  }
});
