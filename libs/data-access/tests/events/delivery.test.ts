import { waitFor } from '@rostrum/testing';
import { withClient, type BusEvent } from '../../src';
import { effect, nameOf } from './shared';
import { describeEvents, numbered, traceparent } from './stage';

describeEvents('events over $name', (at) => {
  describe('an event', () => {
    it('arrives as it was, with its trace', async () => {
      const seen: BusEvent[] = [];
      at.stage.relay();
      at.stage.consumer({
        handlers: { 'thing.happened': (event) => Promise.resolve(void seen.push(event)) },
      });
      await at.stage.publish(['a']);
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
      await expect(at.stage.publishUndone('undone')).rejects.toThrow('undone');
      await at.stage.publish(['kept']);
      at.stage.relay();
      at.stage.consumer();
      expect(await at.stage.untilDone(1)).toEqual(['kept']);
    });

    it('is published at once, not at the relay’s next look', async () => {
      const relay = at.stage.relay({ pollMs: 60_000 });
      await at.stage.publish(['warm up']);
      await waitFor(async () => (await relay.backlog()).count === 0);
      const before = performance.now();
      await at.stage.publish(['a']);
      await waitFor(async () => (await at.stage.published()) === 2);
      expect(performance.now() - before).toBeLessThan(10_000);
    });

    it('of a type that nobody handles is passed over', async () => {
      at.stage.relay();
      at.stage.consumer({ handlers: {} });
      await at.stage.publish(['a']);
      await waitFor(async () => (await at.stage.published()) === 1);
      await at.stage.untilIdle();
      expect(await at.stage.names()).toEqual([]);
    });

    it('takes effect in each group', async () => {
      const other: string[] = [];
      at.stage.relay();
      at.stage.consumer();
      at.stage.consumer({
        group: 'others',
        handlers: { 'thing.happened': (event) => Promise.resolve(void other.push(nameOf(event))) },
      });
      await at.stage.publish(numbered(10));
      expect(await at.stage.untilDone(10)).toEqual(numbered(10));
      await waitFor(() => other.length === 10);
      expect(other).toEqual(numbered(10));
    });
  });

  describe('a relay', () => {
    it('keeps the order, over many batches and with others beside it', async () => {
      const all = numbered(120);
      for (let from = 0; from < all.length; from += 10) await at.stage.publish(all.slice(from, from + 10));
      for (let each = 0; each < 3; each += 1) at.stage.relay({ batchSize: 7, pollMs: 20 });
      at.stage.consumer();
      expect(await at.stage.untilDone(all.length)).toEqual(all);
      expect(await at.stage.published()).toBe(all.length);
    });

    it('that dies between publishing and noting it publishes again, with one effect', async () => {
      await holdFirst('update', 'outbox');
      const all = numbered(5);
      await at.stage.publish(all);
      at.stage.relay({ pollMs: 20, database: at.stage.otherDatabase('dying') });
      await waitFor(async () => (await at.stage.published()) === 5);
      await cutWhileRunning('update alpha.outbox');
      await waitFor(async () => (await outboxRows('published_at is not null')) === 5);
      at.stage.consumer();
      expect(await at.stage.untilDone(5)).toEqual(all);
    });

    it('publishes anew what the bus has lost', async () => {
      const { bus, proxy } = await at.engine.openThrough({ partitions: at.stage.partitions });
      const onRestored = jest.fn();
      const relay = at.stage.relay({ bus, pollMs: 20, hooks: { onRestored } });
      await at.stage.publish(['a', 'b', 'c']);
      await waitFor(async () => (await at.stage.published()) === 3 && (await relay.backlog()).count === 0);
      await at.engine.loseStream(at.stage.stream);
      proxy.reset();
      await waitFor(() => onRestored.mock.calls.length > 0);
      expect(onRestored).toHaveBeenCalledWith({ count: 3 });
      await at.stage.publish(['d']);
      at.stage.consumer();
      expect(await at.stage.untilDone(4)).toEqual(['a', 'b', 'c', 'd']);
    });

    it('looks by itself where it cannot be woken', async () => {
      await at.stage.asAdmin('revoke execute on function pg_notify from public');
      at.stage.relay({ pollMs: 50 });
      at.stage.consumer();
      await at.stage.publish(['a']);
      expect(await at.stage.untilDone(1)).toEqual(['a']);
    });

    it('tells how many wait, and for how long', async () => {
      const { bus, proxy } = await at.engine.openThrough({ partitions: at.stage.partitions });
      await proxy.refuse();
      await at.stage.publish(['a', 'b']);
      await at.stage.asAdmin(
        "update outbox set occurred_at = now() - interval '90 seconds' where position = 1",
      );
      const relay = at.stage.relay({ bus, pollMs: 20 });
      const { count, oldestSeconds } = await relay.backlog();
      expect(count).toBe(2);
      expect(oldestSeconds).toBeGreaterThanOrEqual(90);
      await proxy.heal();
      await waitFor(async () => (await relay.backlog()).count === 0, { timeoutMs: 20_000 });
      expect(await relay.backlog()).toEqual({ count: 0, oldestSeconds: 0 });
    });

    it('keeps what is published until every group is through with it', async () => {
      const held = Promise.withResolvers<void>();
      at.stage.consumer({
        handlers: {
          'thing.happened': async (event, trx) => {
            await held.promise;
            await effect(event, trx);
          },
        },
      });
      at.stage.relay({ pollMs: 20, retentionMs: 1, cleanUpEveryMs: 20, clockSkewMs: 300 });
      await at.stage.publish(['a', 'b']);
      await waitFor(async () => (await outboxRows('published_at is not null')) === 2);
      // One that nobody waits for shows that cleaning up has come by.
      for (let round = 0; round < 2; round += 1) {
        await at.stage.asAdmin(`
          insert into outbox (id, type, version, key, payload, published_at, entry_id)
          values (gen_random_uuid(), 't', 1, 'k', '{}', now() - interval '1 hour', '0/1-1')`);
        await waitFor(async () => (await outboxRows("type = 't'")) === 0);
      }
      expect(await outboxRows('true')).toBe(2);
      held.resolve();
      await at.stage.untilDone(2);
      await waitFor(async () => (await outboxRows('true')) === 0);
    });
  });

  describe('a consumer', () => {
    it('finds at its start what it left behind, before anything newer', async () => {
      const all = numbered(6);
      at.stage.relay({ pollMs: 20 });
      const held = Promise.withResolvers<never>();
      const first = at.stage.consumer({
        handlers: { 'thing.happened': () => held.promise },
        database: at.stage.otherDatabase('first'),
      });
      await at.stage.publish(all.slice(0, 3));
      await waitFor(async () => (await at.stage.inHandlers('first')) > 0);
      await at.stage.publish(all.slice(3));
      held.reject(new Error('gone'));
      await at.stage.stop(first);
      at.stage.consumer();
      expect(await at.stage.untilDone(6)).toEqual(all);
    });

    it('is not confused when an answer with new events is lost on its way', async () => {
      const { bus, proxy } = await at.engine.openThrough({ partitions: at.stage.partitions });
      at.stage.relay();
      at.stage.consumer({ bus, blockMs: 10_000 });
      await at.stage.publish(['a']);
      await at.stage.untilDone(1);
      // It waits for more now; the answer will be cut off in its middle.
      proxy.resetMidReply(3);
      await at.stage.publish(['b']);
      expect(await at.stage.untilDone(2, 25_000)).toEqual(['a', 'b']);
    });

    it('whose acknowledgement is lost has one effect', async () => {
      const { bus, proxy } = await at.engine.openThrough({ partitions: at.stage.partitions });
      let first = true;
      at.stage.relay();
      at.stage.consumer({
        bus,
        handlers: {
          'thing.happened': async (event, trx) => {
            await effect(event, trx);
            if (first) trx.onCommit(() => proxy.refuse());
            first = false;
          },
        },
      });
      await at.stage.publish(['a']);
      await waitFor(async () => (await at.stage.names()).length === 1);
      await proxy.heal();
      await at.stage.publish(['b']);
      expect(await at.stage.untilDone(2, 25_000)).toEqual(['a', 'b']);
    });

    it('goes on when the whole stream is lost', async () => {
      at.stage.relay({ pollMs: 20 });
      at.stage.consumer();
      await at.stage.publish(['a']);
      await at.stage.untilDone(1);
      await at.engine.loseStream(at.stage.stream);
      const relay = at.stage.relay({ bus: at.engine.open({ partitions: at.stage.partitions }), pollMs: 20 });
      await at.stage.publish(['b']);
      await waitFor(async () => (await relay.backlog()).count === 0, { timeoutMs: 20_000 });
      expect(await at.stage.untilDone(2)).toEqual(['a', 'b']);
    });
  });

  /** Holds the first statement of this kind up, and no other: a sequence counts on although its transaction is undone. */
  async function holdFirst(operation: string, table: string): Promise<void> {
    await at.stage.asAdmin(`
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
      withClient(at.stage.own.adminUrl, async (admin) => {
        const { rowCount } = await admin.query(
          `select pg_terminate_backend(pid) from pg_stat_activity
            where datname = current_database() and state = 'active' and wait_event = 'PgSleep' and query like $1`,
          [`%${text}%`],
        );
        return rowCount;
      }),
    );
  }

  async function outboxRows(condition: string): Promise<number> {
    return withClient(at.stage.own.adminUrl, async (admin) => {
      const { rows } = await admin.query<{ count: number }>(
        `select count(*)::int as count from alpha.outbox where ${condition}`,
      );
      return rows[0]?.count ?? 0;
    });
  }
});
