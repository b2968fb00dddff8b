import { waitFor } from '@rostrum/testing';
import type { Cache, CachePolicy } from '../src';
import { describeCaches, lasting, never } from './cache-scene';

describeCaches('a cache over %s', (at) => {
  describe('past its time', () => {
    const brief = (times: Partial<CachePolicy>) => ({
      policy: {
        ...lasting,
        ttlSeconds: 0.05,
        staleWhileRevalidateSeconds: 0,
        staleIfErrorSeconds: 0,
        ...times,
      },
    });
    /** A value whose time is over, for so long that the estimate of Redis's clock does not matter. */
    async function expired(own: Cache): Promise<void> {
      const ended = async () => {
        const left = await at.redis.pttl(at.keyOf('1'));
        // What Redis was too busy for the first time is done again.
        if (left < 0) await own.getOrLoad('1', () => Promise.resolve('old'));
        return left > 0 && left < 59_900;
      };
      await waitFor(ended, { what: 'the end of its time' });
    }

    it('a value is served at once and refreshed meanwhile, by one process', async () => {
      const own = at.cacheOf(at.redis, brief({ staleWhileRevalidateSeconds: 60 }));
      const other = at.cacheOf(at.process(), brief({ staleWhileRevalidateSeconds: 60 }));
      await expired(own);
      const slow = Promise.withResolvers<string>();
      const load = jest.fn(() => slow.promise);
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, index) => (index % 2 ? own : other).getOrLoad('1', load)),
      );
      expect(new Set(answers)).toEqual(new Set(['old']));
      await waitFor(() => load.mock.calls.length > 0);
      expect(await other.getOrLoad('1', load)).toBe('old');
      expect(load).toHaveBeenCalledTimes(1);
      slow.resolve('new');
      await waitFor(async () => (await other.getOrLoad('1', load)) === 'new');
    });

    it('a value is not served at all when it has been changed', async () => {
      const own = at.cacheOf(at.redis, brief({ staleWhileRevalidateSeconds: 60, staleIfErrorSeconds: 60 }));
      await expired(own);
      await own.change('1', () => Promise.resolve());
      await expect(own.getOrLoad('1', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    });

    it('a value is served only if it cannot be read anew', async () => {
      const results: string[] = [];
      const own = at.cacheOf(at.redis, {
        ...brief({ staleIfErrorSeconds: 60 }),
        hooks: { onRead: (result) => results.push(result) },
      });
      await expired(own);
      results.length = 0;
      expect(await own.getOrLoad('1', () => Promise.reject(new Error('no')))).toBe('old');
      expect(await own.getOrLoad('1', () => Promise.resolve('new'))).toBe('new');
      expect(results).toEqual(['stale', 'miss']);
    });

    it('a value is served to nobody where the policy says so', async () => {
      const own = at.cacheOf(at.redis, brief({}));
      await own.getOrLoad('1', () => Promise.resolve('old'));
      await waitFor(async () => (await at.redis.exists(at.keyOf('1'))) === 0);
      await expect(own.getOrLoad('1', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    });
  });

  describe('with a layer in the process', () => {
    const local = { maxAgeMs: 60_000, maxBytes: 2_000 };

    it('answers without Redis, for as long as it says, and forgets what this process changes', async () => {
      const results: string[] = [];
      const own = at.cacheOf(at.redis, { local, hooks: { onRead: (result) => results.push(result) } });
      expect(await own.getOrLoad('1', () => Promise.resolve('old'))).toBe('old');
      expect(await own.getOrLoad('1', never)).toBe('old');
      await own.change('1', async () => {
        // What is read while it changes is not kept.
        await own.getOrLoad('1', () => Promise.resolve('old'));
      });
      expect(await own.getOrLoad('1', () => Promise.resolve('new'))).toBe('new');
      await at.elsewhere.invalidate('1');
      expect(await own.getOrLoad('1', never)).toBe('new');
      expect(results).toEqual(['miss', 'local', 'local', 'miss', 'local']);

      const shortLived = at.cacheOf(at.redis, { local: { ...local, maxAgeMs: 0 } });
      await shortLived.getOrLoad('1', () => Promise.resolve('a'));
      await at.elsewhere.invalidate('1');
      expect(await shortLived.getOrLoad('1', () => Promise.resolve('b'))).toBe('b');
    });

    it('does not keep what was read while it changed', async () => {
      const own = at.cacheOf(at.redis, { local });
      const slow = Promise.withResolvers<string>();
      const began = Promise.withResolvers<undefined>();
      const reading = own.getOrLoad('1', () => (began.resolve(undefined), slow.promise));
      await began.promise;
      await own.invalidate('1');
      slow.resolve('old');
      expect(await reading).toBe('old');
      expect(await own.getOrLoad('1', () => Promise.resolve('new'))).toBe('new');
    });

    it('takes no more memory than it may', async () => {
      let evictions = 0;
      const own = at.cacheOf(at.redis, { local, hooks: { onLocalEviction: () => (evictions += 1) } });
      for (let i = 0; i < 20; i += 1) await own.getOrLoad(String(i), () => Promise.resolve('x'.repeat(100)));
      expect(evictions).toBeGreaterThan(10);
    });
  });
});
