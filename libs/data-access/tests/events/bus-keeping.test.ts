import { randomUUID } from 'node:crypto';
import { waitFor } from '@rostrum/testing';
import type { Delivery, EventBus } from '../../src';
import { all, describeBuses, eventsOf, idsOf, partitions, replays } from './bus-scene';

describeBuses('what it keeps', (at) => {
  describe('a dead letter', () => {
    async function bury(group: string, count = 1) {
      const events = eventsOf('k', count);
      await at.bus.publish(at.stream, events);
      const reader = at.member(group, [...all, replays]);
      const buried: Delivery[] = [];
      await waitFor(async () => {
        for (const delivery of await at.fetch(reader, [...all, replays], 1)) {
          await reader.bury(delivery, { reason: 'TypeError', attempts: 5 });
          buried.push(delivery);
        }
        return buried.length === count;
      });
      return { events, reader, buried };
    }

    it('is off the hands of its group and says what became of it', async () => {
      const { events, reader, buried } = await bury('readers', 3);
      expect(await at.fetch(reader)).toEqual([]);
      await waitFor(async () => (await at.bus.lag(at.stream, 'readers')) === 0);
      const letters = at.bus.deadLetters(at.stream, 'readers');
      expect(await letters.count()).toBe(3);
      const list = await letters.list();
      expect(list.map(({ event }) => event?.id)).toEqual(events.map(({ id }) => id));
      expect(list[0]).toEqual({
        id: list[0]?.id,
        event: buried[0]?.event,
        raw: undefined,
        partition: buried[0]?.partition,
        position: buried[0]?.position,
        member: 'one',
        reason: 'TypeError',
        attempts: 5,
        buriedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT/) as string,
      });
      expect(await letters.list({ after: list[0]?.id, limit: 1 })).toEqual([list[1]]);
      expect(await letters.get(list[2]?.id ?? '')).toEqual(list[2]);
    });

    it('that is replayed goes to its group alone, and is no letter any more', async () => {
      const { events, reader } = await bury('readers');
      const others = at.member('others', [...all, replays], 'other');
      await at.handle(others, 1, [...all, replays]);
      const letters = at.bus.deadLetters(at.stream, 'readers');
      const [letter] = await letters.list();
      expect(await letters.replay(letter?.id ?? '')).toBe(true);
      expect(await letters.count()).toBe(0);
      expect(await at.bus.lag(at.stream, 'readers')).toBe(1);
      await waitFor(async () => (await at.bus.lag(at.stream, 'others')) === 0);
      const again = await at.handle(reader, 1, [...all, replays]);
      expect(idsOf(again)).toEqual([events[0]?.id]);
      expect(again[0]?.partition).toBe(replays);
      expect(await at.fetch(others, [...all, replays])).toEqual([]);
    });

    it('can die again, and be replayed again', async () => {
      const { events, reader } = await bury('readers');
      const letters = at.bus.deadLetters(at.stream, 'readers');
      for (let life = 0; life < 2; life += 1) {
        const [letter] = await letters.list();
        expect(await letters.replay(letter?.id ?? '')).toBe(true);
        const [delivery] = await waitFor(async () => {
          const found = await at.fetch(reader, [...all, replays]);
          return found.length > 0 && found;
        });
        expect(delivery?.event?.id).toBe(events[0]?.id);
        if (delivery) await reader.bury(delivery, { reason: 'Error', attempts: 1 });
        expect(await letters.count()).toBe(1);
      }
    });

    it('that is discarded is gone', async () => {
      await bury('readers');
      const letters = at.bus.deadLetters(at.stream, 'readers');
      const [letter] = await letters.list();
      expect(await letters.discard(letter?.id ?? '')).toBe(true);
      expect(await letters.discard(letter?.id ?? '')).toBe(false);
      expect(await letters.replay(letter?.id ?? '')).toBe(false);
      expect(await letters.list()).toEqual([]);
    });

    it.each(['', '0', '999999-0', '12345', 'x', '-', '+', '1 or 1'])(
      'that does not exist is told so: %j',
      async (id) => {
        await bury('readers');
        const letters = at.bus.deadLetters(at.stream, 'others');
        expect(await letters.get(id)).toBeUndefined();
        expect(await letters.replay(id)).toBe(false);
        expect(await letters.discard(id)).toBe(false);
        expect(await at.bus.deadLetters(at.stream, 'readers').count()).toBe(1);
      },
    );

    it('is no other group’s', async () => {
      await bury('readers');
      const [letter] = await at.bus.deadLetters(at.stream, 'readers').list();
      const others = at.bus.deadLetters(at.stream, 'others');
      expect(await others.count()).toBe(0);
      expect(await others.list()).toEqual([]);
      expect(await others.discard(letter?.id ?? '')).toBe(false);
    });
  });

  it('hands on what is no event, to be set aside', async () => {
    const reader = at.member('readers');
    await at.fetch(reader);
    await at.engine.putRaw(at.stream, 1, 'thing');
    const [delivery] = await waitFor(async () => {
      const found = await at.fetch(reader);
      return found.length > 0 && found;
    });
    expect(delivery).toMatchObject({ partition: 1, event: undefined });
    if (delivery) await reader.bury(delivery, { reason: 'UNREADABLE', attempts: 1 });
    const [letter] = await at.bus.deadLetters(at.stream, 'readers').list();
    expect(letter).toMatchObject({ event: undefined, reason: 'UNREADABLE' });
    expect(letter?.raw).toContain('thing');
  });

  describe('a stream', () => {
    it('is trimmed of what every group has acknowledged, and of nothing else', async () => {
      const events = eventsOf('k', 450);
      await at.bus.publish(at.stream, events);
      const [fast, slow] = [at.member('fast'), at.member('slow', all, 'two')];
      await at.handle(fast, 450);
      const held = await waitFor(async () => {
        const found = await at.fetch(slow, all, 1);
        return found.length > 0 && found;
      });
      await at.bus.trim(at.stream, new Date(Date.now() + 60_000));
      expect(await at.engine.lengthOf(at.stream, partitions)).toBe(450);
      await at.acknowledge(slow, held);
      const rest = await at.handle(slow, 450 - held.length);
      expect(idsOf([...held, ...rest])).toEqual(events.map(({ id }) => id));
      await at.bus.trim(at.stream, new Date(Date.now() - 60_000));
      expect(await at.engine.lengthOf(at.stream, partitions)).toBe(450);
      await waitFor(async () => (await at.bus.lag(at.stream, 'slow')) === 0);
      await at.bus.trim(at.stream, new Date(Date.now() + 60_000));
      expect(await at.engine.lengthOf(at.stream, partitions)).toBeLessThan(110);
    });

    it('knows since when something waits', async () => {
      const reader = at.member('readers');
      await at.fetch(reader);
      expect(await at.bus.oldestUnacknowledged(at.stream)).toBeUndefined();
      const before = Date.now();
      await at.bus.publish(at.stream, eventsOf('k', 2));
      const oldest = await at.bus.oldestUnacknowledged(at.stream);
      expect(Math.abs((oldest?.getTime() ?? 0) - before)).toBeLessThan(5_000);
      await at.handle(reader, 2);
      await waitFor(async () => (await at.bus.oldestUnacknowledged(at.stream)) === undefined);
    });

    it('that is full takes nothing until some has been handled, and loses nothing', async () => {
      const small = at.engine.open({ partitions: 1, maxLength: 10 });
      const reader = at.engine
        .open({ partitions: 1 })
        .join({ stream: at.stream, group: 'readers', member: 'one' });
      at.endsWithTest(reader);
      reader.take(0);
      await at.fetch(reader, [0]);
      const events = eventsOf('k', 10);
      await small.publish(at.stream, events);
      const more = eventsOf('k', 1, 10);
      await expect(small.publish(at.stream, more)).rejects.toMatchObject({ code: 'EVENT_STREAM_FULL' });
      expect(idsOf(await at.handle(reader, 10, [0]))).toEqual(events.map(({ id }) => id));
      await waitFor(async () => (await small.lag(at.stream, 'readers')) === 0);
      await emptied(small);
      await small.publish(at.stream, more);
      expect(idsOf(await at.handle(reader, 1, [0]))).toEqual(more.map(({ id }) => id));
    });

    /** Redis trims by whole nodes of 100 entries, which a stream as small as a test's does not have. */
    async function emptied(small: EventBus) {
      await small.trim(at.stream, new Date(Date.now() + 60_000));
      if ((await at.engine.lengthOf(at.stream, 1)) >= 10) await at.engine.loseStream(at.stream);
    }

    it('tells which of its receipts it can no longer honour', async () => {
      const events = eventsOf('k', 5);
      const receipts = await at.bus.publish(at.stream, events);
      const published = events.map(({ id }, index) => ({ id, receipt: receipts[index] ?? '' }));
      expect(await at.bus.findMissing(at.stream, published)).toEqual([]);
      const never = { id: randomUUID(), receipt: '1722000000000-0' };
      expect(await at.bus.findMissing(at.stream, [...published, never])).toEqual([never]);
      await at.engine.loseStream(at.stream);
      const fresh = at.engine.open({ partitions });
      expect(await fresh.findMissing(at.stream, published)).toEqual(published);
      // What has taken their place does not pass for them.
      const others = eventsOf('k', 5);
      await fresh.publish(at.stream, others);
      expect(await fresh.findMissing(at.stream, published)).toEqual(published);
    });
  });
});
