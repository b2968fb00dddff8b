import { AppError } from '@rostrum/errors';
import { waitFor } from '@rostrum/testing';
import { describeCaches, filled, never } from './cache-scene';

describeCaches('a cache over %s', (at) => {
  describe('a change', () => {
    const old = () => Promise.resolve('old');
    const current = () => Promise.resolve('new');

    it('makes all processes load anew', async () => {
      await at.cache.getOrLoad('1', old);
      await filled(at.elsewhere, '1');
      expect(await at.cache.change('1', () => Promise.resolve('done'))).toBe('done');
      expect(await at.elsewhere.getOrLoad('1', current)).toBe('new');
      await filled(at.elsewhere, '1');
      expect(await at.cache.getOrLoad('1', never)).toBe('new');
      await at.cache.invalidate('1');
      expect(await at.elsewhere.getOrLoad('1', () => Promise.resolve('newer'))).toBe('newer');
    });

    it('keeps others from caching what they read while it is made', async () => {
      await at.cache.getOrLoad('1', old);
      await filled(at.cache, '1');
      await at.cache.change('1', async () => {
        expect(await at.elsewhere.getOrLoad('1', old)).toBe('old');
        expect(await at.elsewhere.getBytes('1')).toBeUndefined();
      });
      expect(await at.elsewhere.getOrLoad('1', current)).toBe('new');
    });

    it('is protected until the last of several at the same time is done', async () => {
      const first = Promise.withResolvers<undefined>();
      const second = Promise.withResolvers<undefined>();
      const changes = [
        at.cache.change('1', () => first.promise),
        at.elsewhere.change('1', () => second.promise),
      ];
      await waitFor(async () => (await at.redis.strlen(at.keyOf('1'))) === 17, { what: 'two fences' });
      first.resolve(undefined);
      await changes[0];
      expect(await at.cache.getOrLoad('1', old)).toBe('old');
      expect(await at.cache.getBytes('1')).toBeUndefined();
      second.resolve(undefined);
      await changes[1];
      expect(await at.redis.exists(at.keyOf('1'))).toBe(0);
    });

    it('whose writer dies leaves nothing old behind, and a key that is cached again after a while', async () => {
      await at.cache.getOrLoad('1', old);
      await filled(at.cache, '1');
      const dying = at.process();
      void at.cacheOf(dying).change('1', () => new Promise(() => undefined));
      await waitFor(async () => (await at.redis.strlen(at.keyOf('1'))) === 9, { what: 'the fence' });
      dying.disconnect();
      expect(await at.elsewhere.getOrLoad('1', current)).toBe('new');
      expect(await at.redis.pttl(at.keyOf('1'))).toBeGreaterThan(0);
    });

    it('that is refused is as if it had not been tried; one that breaks off may still take place', async () => {
      const refused = new AppError({ code: 'NO', status: 409, title: 'No' });
      await expect(at.cache.change('1', () => Promise.reject(refused))).rejects.toBe(refused);
      expect(await at.redis.exists(at.keyOf('1'))).toBe(0);
      await expect(at.cache.change('1', () => Promise.reject(new Error('lost')))).rejects.toThrow('lost');
      expect(await at.redis.strlen(at.keyOf('1'))).toBe(9);
    });

    it.each(['a cold key', 'a key that was changed before'])(
      'is never undone by a load of %s that began before it',
      async (state) => {
        if (state !== 'a cold key') await at.cache.invalidate('1');
        const slow = Promise.withResolvers<string>();
        const began = Promise.withResolvers<undefined>();
        const reading = at.elsewhere.getOrLoad('1', () => (began.resolve(undefined), slow.promise));
        await began.promise;
        await at.cache.invalidate('1');
        // Neither here nor where it began does anybody share that load.
        expect(await at.cache.getOrLoad('1', current)).toBe('new');
        expect(await at.elsewhere.getOrLoad('1', current)).toBe('new');
        slow.resolve('old');
        expect(await reading).toBe('old');
        await filled(at.cache, '1');
        // The fill of the slow one was sent before this read is, over the same connection.
        expect(String(await at.elsewhere.getBytes('1'))).toBe('"new"');
      },
    );

    it('is not undone by a load that began before Redis lost its data', async () => {
      const slow = Promise.withResolvers<string>();
      const began = Promise.withResolvers<undefined>();
      const reading = at.elsewhere.getOrLoad('1', () => (began.resolve(undefined), slow.promise));
      await began.promise;
      await at.redis.del(at.keyOf('1'));
      slow.resolve('old');
      await reading;
      await at.elsewhere.getBytes('another');
      expect(await at.redis.exists(at.keyOf('1'))).toBe(0);
    });
  });
});
