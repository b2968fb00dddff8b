import { waitFor } from '@rostrum/testing';
import type { Delivery, SerializedEvent } from '../../src';
import { all, describeBuses, eventOf, eventsOf, idsOf, partitions } from './bus-scene';

const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

describeBuses('what is published and who gets it', (at) => {
  describe('an event', () => {
    it('arrives as it was published', async () => {
      const event = { ...eventOf('ключ "k"\n', 1), payload: '{"text":"naïve 🎉 \\" \\n"}', traceparent };
      await at.bus.publish(at.stream, [event, eventOf('bare', 2)]);
      const handled = await at.handle(at.member('readers'), 2);
      const found = handled.find((each) => each.event?.id === event.id);
      expect(found?.event).toEqual({ ...event, payload: { text: 'naïve 🎉 " \n' } });
      expect(found?.seenBefore).toBe(false);
      const bare = handled.find((each) => each.event?.key === 'bare');
      expect(bare?.event).not.toHaveProperty('traceparent');
    });

    it('is in the partition of its key, whatever the batch and whoever asks', async () => {
      const keys = Array.from({ length: 30 }, (_, index) => `key-${index}`);
      await at.bus.publish(
        at.stream,
        keys.map((key) => eventOf(key, 0)),
      );
      await at.bus.publish(
        at.stream,
        keys.toReversed().map((key) => eventOf(key, 1)),
      );
      const handled = await at.handle(at.member('readers'), 60);
      const places = new Map<string, Set<number>>();
      for (const { event, partition } of handled) {
        const key = event?.key ?? '';
        places.set(key, (places.get(key) ?? new Set()).add(partition));
      }
      expect([...places.values()].every(({ size }) => size === 1)).toBe(true);
      expect(new Set(handled.map(({ partition }) => partition))).toEqual(new Set(all));
    });

    it('of a key comes after those published before it', async () => {
      const published: SerializedEvent[] = [];
      for (let batch = 0; batch < 5; batch += 1) {
        const events = Array.from({ length: 40 }, (_, index) => eventOf(`k${index % 7}`, batch * 40 + index));
        published.push(...events);
        await at.bus.publish(at.stream, events);
      }
      const handled = await at.handle(at.member('readers'), published.length);
      expect(handled).toHaveLength(published.length);
      for (const key of new Set(published.map((event) => event.key))) {
        const got = handled.filter(({ event }) => event?.key === key);
        expect(idsOf(got)).toEqual(published.filter((event) => event.key === key).map(({ id }) => id));
      }
    });

    it('wakes whoever waits for it', async () => {
      const reader = at.member('readers');
      expect(await at.fetch(reader)).toEqual([]);
      const waiting = at.fetch(reader, all, 100, 30_000);
      const [event] = eventsOf('k', 1);
      await at.bus.publish(at.stream, event ? [event] : []);
      expect(idsOf(await waiting)).toEqual([event?.id]);
    });

    it('is given to each group, also to one that is made later', async () => {
      const events = eventsOf('k', 5);
      await at.bus.publish(at.stream, events);
      expect(idsOf(await at.handle(at.member('first'), 5))).toEqual(events.map(({ id }) => id));
      expect(idsOf(await at.handle(at.member('second'), 5))).toEqual(events.map(({ id }) => id));
    });
  });

  describe('what is not acknowledged', () => {
    it('comes again, oldest first and alone, before anything newer', async () => {
      const events = eventsOf('k', 4);
      await at.bus.publish(at.stream, events.slice(0, 3));
      const reader = at.member('readers');
      const first = await waitFor(async () => {
        const found = await at.fetch(reader);
        return found.length > 0 && found;
      });
      await reader.refuse(first);
      await at.bus.publish(at.stream, events.slice(3));
      const again: Delivery[][] = [];
      while (again.flat().length < 4) {
        const deliveries = await at.fetch(reader);
        if (deliveries.length === 0) continue;
        again.push(deliveries);
        await at.acknowledge(reader, deliveries);
      }
      expect(idsOf(again.flat())).toEqual(events.map(({ id }) => id));
      expect(again.slice(0, first.length).every(({ length }) => length === 1)).toBe(true);
      expect(again[0]?.[0]?.seenBefore).toBe(true);
    });

    it('comes again as often as it is refused', async () => {
      const [event] = eventsOf('k', 1);
      await at.bus.publish(at.stream, event ? [event] : []);
      const reader = at.member('readers');
      for (let time = 0; time < 8; time += 1) {
        const found = await waitFor(async () => {
          const deliveries = await at.fetch(reader);
          return deliveries.length > 0 && deliveries;
        });
        expect(idsOf(found)).toEqual([event?.id]);
        await reader.refuse(found);
      }
      await at.handle(reader, 1);
      expect(await at.fetch(reader)).toEqual([]);
      await waitFor(async () => (await at.bus.lag(at.stream, 'readers')) === 0);
    });

    it('is what the next owner of the partition gets first', async () => {
      const key = 'k';
      const events = eventsOf(key, 6);
      await at.bus.publish(at.stream, events.slice(0, 3));
      const dead = at.member('readers', all, 'dead');
      await waitFor(async () => (await at.fetch(dead)).length > 0);
      await dead.close();
      await at.bus.publish(at.stream, events.slice(3));
      const heir = at.member('readers', all, 'heir');
      expect(idsOf(await at.handle(heir, 6))).toEqual(events.map(({ id }) => id));
      expect(await at.fetch(heir)).toEqual([]);
    });

    it('does not hide behind newer events when a former owner is given it', async () => {
      const events = eventsOf('k', 20);
      // It does not know that it is the owner no longer, and goes on asking.
      const stale = at.member('readers', all, 'stale');
      await at.fetch(stale);
      const owner = at.member('readers', all, 'owner');
      await at.fetch(owner);
      const handled: Delivery[] = [];
      for (const event of events) {
        const rivals = at.fetch(stale, all, 1, 50);
        await at.bus.publish(at.stream, [event]);
        await rivals;
        const deliveries = await at.fetch(owner, all, 100, 20);
        handled.push(...deliveries);
        await at.acknowledge(owner, deliveries);
      }
      await stale.close();
      await waitFor(
        async () => {
          const deliveries = await at.fetch(owner);
          handled.push(...deliveries);
          await at.acknowledge(owner, deliveries);
          return handled.length >= events.length;
        },
        { timeoutMs: 25_000 },
      );
      expect(idsOf(handled)).toEqual(events.map(({ id }) => id));
    });
  });

  describe('the lag of a group', () => {
    it('counts what it has not acknowledged, given out or not', async () => {
      await at.bus.publish(at.stream, eventsOf('k', 5));
      expect(await at.bus.lag(at.stream, 'readers')).toBe(5);
      const reader = at.member('readers');
      const found = await waitFor(async () => {
        const deliveries = await at.fetch(reader);
        return deliveries.length > 0 && deliveries;
      });
      expect(await at.bus.lag(at.stream, 'readers')).toBe(5);
      await at.acknowledge(reader, found);
      await waitFor(async () => (await at.bus.lag(at.stream, 'readers')) === 5 - found.length);
      await at.handle(reader, 5 - found.length);
      await waitFor(async () => (await at.bus.lag(at.stream, 'readers')) === 0);
    });

    it('is nothing where there is nothing', async () => {
      expect(await at.bus.lag(at.stream, 'nobody')).toBe(0);
      expect(await at.bus.oldestUnacknowledged(at.stream)).toBeUndefined();
    });
  });

  it('does not lose what a member holds whose name is taken off the books', async () => {
    const events = eventsOf('k', 2);
    await at.bus.publish(at.stream, events);
    const gone = at.member('readers', all, 'gone');
    await waitFor(async () => (await at.fetch(gone)).length > 0);
    await gone.close();
    await at.bus.removeMember(at.stream, 'readers', 'gone').catch((error: unknown) => {
      expect(error).toMatchObject({ code: 'MEMBER_HOLDS_EVENTS' });
    });
    const heir = at.member('readers', all, 'heir');
    expect(idsOf(await at.handle(heir, 2))).toEqual(events.map(({ id }) => id));
    await waitFor(async () => (await at.bus.lag(at.stream, 'readers')) === 0);
    await at.bus.removeMember(at.stream, 'readers', 'gone');
    await at.bus.removeMember(at.stream, 'nobody', 'gone');
  });

  it('says when it may have lost what it had acknowledged', async () => {
    const { bus: through, proxy } = await at.engine.openThrough({ partitions });
    const interrupted = jest.fn();
    const stop = through.onInterruption(interrupted);
    await through.publish(at.stream, eventsOf('k', 1));
    expect(interrupted).not.toHaveBeenCalled();
    proxy.reset();
    await waitFor(() => interrupted.mock.calls.length > 0);
    await waitFor(() => through.ping().then(() => true));
    stop();
    const times = interrupted.mock.calls.length;
    proxy.reset();
    await waitFor(() => through.ping().then(() => true));
    expect(interrupted).toHaveBeenCalledTimes(times);
  });
});
