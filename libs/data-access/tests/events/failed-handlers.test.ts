import { problems } from '@rostrum/errors';
import { waitFor } from '@rostrum/testing';
import type { ConsumerOptions } from '../../src';
import { engineKinds, type Engine } from './engines';
import { effect, nameOf } from './shared';
import { EventStage, numbered, traceparent } from './stage';

describe.each(engineKinds)('events over $name that cannot be handled', ({ start }) => {
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
      // It is asked for again long after this test.
      stage.consumer({ retryMs: 60_000, handlers: poisoned });
      await stage.publish(['poison'], () => 'k0');
      const others = numbered(60);
      await stage.publish(others, (name) => `k${Number(name.slice(1)) % 20}`);
      await waitFor(async () => (await stage.names()).length >= 25);
      expect(await stage.letters().count()).toBe(0);
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
      await waitFor(async () => (await stage.inHandlers('', 'pg_sleep')) === 0);
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
});
