import { problems } from '@rostrum/errors';
import { waitFor } from '@rostrum/testing';
import type { ConsumerOptions } from '../../src';
import { effect, nameOf } from './shared';
import { describeEvents, numbered, traceparent } from './stage';

describeEvents('events over $name that cannot be handled', (at) => {
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
      at.stage.relay();
      at.stage.consumer({
        handlers: poisoned,
        hooks: { onDeadLetter, onHandlerError: ({ attempts }) => tries.push(attempts) },
      });
      await at.stage.publish(['before', 'poison', 'after']);
      expect(await at.stage.untilDone(2)).toEqual(['before', 'after']);
      expect(tries.at(-1)).toBe(5);
      expect(tries.length).toBeLessThanOrEqual(5);
      expect(onDeadLetter).toHaveBeenCalledTimes(1);
      const letters = await at.stage.letters().list();
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
      at.stage.relay();
      at.stage.consumer({
        retryMs: 40,
        handlers: {
          'thing.happened': () => {
            times.push(performance.now());
            return Promise.reject(new Error('no'));
          },
        },
      });
      await at.stage.publish(['poison']);
      await waitFor(async () => (await at.stage.letters().count()) === 1);
      const pauses = times.slice(1).map((time, index) => time - (times[index] ?? 0));
      expect(pauses).toHaveLength(4);
      // Half of it is left to chance, so that those that failed together do not come back together.
      pauses.forEach((pause, index) => expect(pause).toBeGreaterThan(40 * 2 ** index * 0.5 - 2));
    });

    it('holds up nobody but what follows it in its partition', async () => {
      at.stage.relay();
      // It is asked for again long after this test.
      at.stage.consumer({ retryMs: 60_000, handlers: poisoned });
      await at.stage.publish(['poison'], () => 'k0');
      const others = numbered(60);
      await at.stage.publish(others, (name) => `k${Number(name.slice(1)) % 20}`);
      await waitFor(async () => (await at.stage.names()).length >= 25);
      expect(await at.stage.letters().count()).toBe(0);
    });

    it('is handled when it is replayed, once, and by its group alone', async () => {
      let well = false;
      const other: string[] = [];
      at.stage.relay();
      at.stage.consumer({
        handlers: {
          'thing.happened': async (event, trx) => {
            if (!well && nameOf(event) === 'poison') throw new Error('not yet');
            await effect(event, trx);
          },
        },
      });
      at.stage.consumer({
        group: 'others',
        handlers: { 'thing.happened': (event) => Promise.resolve(void other.push(nameOf(event))) },
      });
      await at.stage.publish(['poison', 'after']);
      await at.stage.untilDone(1);
      const [letter] = await at.stage.letters().list();
      well = true;
      expect(await at.stage.letters().replay(letter?.id ?? '')).toBe(true);
      expect(await at.stage.untilDone(2)).toEqual(['after', 'poison']);
      expect(await at.stage.letters().count()).toBe(0);
      await waitFor(() => other.length >= 2);
      expect(other).toEqual(['poison', 'after']);
    });

    it('that hangs is ended in time, and what it does later does not count', async () => {
      const late: Promise<unknown>[] = [];
      const awake = Promise.withResolvers<void>();
      const signals: AbortSignal[] = [];
      at.stage.relay();
      at.stage.consumer({
        handlerTimeoutMs: 150,
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
      await at.stage.publish(['before', 'hangs', 'after']);
      expect(await at.stage.untilDone(2)).toEqual(['before', 'after']);
      expect(await at.stage.letters().list()).toMatchObject([
        { event: { payload: { name: 'hangs' } }, reason: 'AppError HANDLER_TIMEOUT', attempts: 5 },
      ]);
      expect(signals.every(({ aborted }) => aborted)).toBe(true);
      awake.resolve();
      for (const outcome of await Promise.all(late)) expect(outcome).toBeInstanceOf(Error);
      expect(await at.stage.names()).toEqual(['before', 'after']);
    });

    it('whose statement hangs is ended on the server', async () => {
      at.stage.relay();
      at.stage.consumer({
        handlerTimeoutMs: 100,
        handlers: {
          'thing.happened': async (event, trx) => {
            if (nameOf(event) === 'hangs') await trx.query('hang', 'select pg_sleep(60)');
            await effect(event, trx);
          },
        },
      });
      await at.stage.publish(['hangs', 'after']);
      expect(await at.stage.untilDone(1)).toEqual(['after']);
      await waitFor(async () => (await at.stage.inHandlers('', 'pg_sleep')) === 0);
    });

    it('is not given up because something it needs is away', async () => {
      let away = 12;
      at.stage.relay();
      at.stage.consumer({
        handlers: {
          'thing.happened': async (event, trx) => {
            if (away-- > 0) throw problems.unavailable('posts', 1);
            await effect(event, trx);
          },
        },
        hooks: { onError: () => (away > 3 ? (away -= 4) : undefined) },
      });
      await at.stage.publish(['a']);
      expect(await at.stage.untilDone(1)).toEqual(['a']);
      expect(await at.stage.letters().count()).toBe(0);
    });

    it('because something is away for longer than anybody has patience for is set aside', async () => {
      at.stage.relay();
      at.stage.consumer({
        patienceMs: 50,
        handlers: {
          'thing.happened': async (event, trx) => {
            if (nameOf(event) === 'a') throw problems.unavailable('posts', 1);
            await effect(event, trx);
          },
        },
      });
      await at.stage.publish(['a', 'b']);
      expect(await at.stage.untilDone(1)).toEqual(['b']);
      expect(await at.stage.letters().list()).toMatchObject([{ reason: 'AppError POSTS_UNAVAILABLE' }]);
    });
  });

  it('sets aside an entry that is no event, and only that one', async () => {
    const onDeadLetter = jest.fn();
    await at.stage.publish(['a'], () => 'k');
    at.stage.relay();
    await waitFor(async () => (await at.stage.published()) === 1);
    for (const partition of [0, 1, 2]) await at.engine.putRaw(at.stage.stream, partition, 'thing');
    await at.stage.publish(['b'], () => 'k');
    await waitFor(async () => (await at.stage.published()) === 5);
    at.stage.consumer({ hooks: { onDeadLetter } });
    expect(await at.stage.untilDone(2)).toEqual(['a', 'b']);
    expect(await at.stage.letters().count()).toBe(3);
    expect(onDeadLetter).toHaveBeenCalledTimes(3);
  });
});
