import { waitFor } from '@rostrum/testing';
import { closeRedis, createRedis, StreamTail, type Redis } from '../src';
import { redisPlaces, type RedisPlace } from './redis-places';

const key = 'tests:changes';

describe.each(redisPlaces)('over %s', (_name, openPlace) => {
  let place: RedisPlace;
  let redis: Redis;
  let tail: StreamTail;
  let seen: string[];
  let gaps: (string | undefined)[];

  beforeAll(async () => {
    place = await openPlace();
  });
  afterAll(() => place.stop());
  beforeEach(() => {
    redis = createRedis(place.connection);
    seen = [];
    gaps = [];
    tail = new StreamTail(redis, key, {
      onEntry: ([, fields]) => seen.push(fields[1] ?? ''),
      onGap: (newest) => gaps.push(newest),
    });
  });
  afterEach(async () => {
    await redis.del(key);
    await closeRedis(redis);
  });

  const add = (value: string) => redis.xadd(key, '*', 's', value);
  const ask = () =>
    new Promise<boolean>((resolve) =>
      tail.ask({ onCaughtUp: () => resolve(true), onSilence: () => resolve(false) }),
    );
  /** A busy machine may be silent for once. */
  const catchUp = () => waitFor(ask, { what: 'an answer' });

  it('tells each entry once, in order, however many ask and whatever is under way', async () => {
    await add('before');
    await catchUp();
    for (let round = 0; round < 10; round += 1) {
      const adding = add(String(round));
      await Promise.all([ask(), ask()]);
      await adding;
      await catchUp();
      expect(seen.at(-1)).toBe(String(round));
    }
    expect(seen).toEqual(Array.from({ length: 10 }, (_, round) => String(round)));
  });

  it('reads on where there are more than come at once', async () => {
    await add('before');
    await catchUp();
    const pipeline = redis.pipeline();
    for (let n = 0; n < 2_345; n += 1) pipeline.xadd(key, '*', 's', String(n));
    await pipeline.exec();
    await catchUp();
    expect(seen).toEqual(Array.from({ length: 2_345 }, (_, n) => String(n)));
  });

  it('says so where entries may have been lost, and goes on from there', async () => {
    const first = await add('before');
    await catchUp();
    const before = gaps.length;
    await redis.del(key);
    // Within one millisecond, what follows the loss of a whole stream has the ids of what was lost.
    await waitFor(() => Date.now() > Number(first?.split('-')[0]));
    const newest = await add('after');
    await catchUp();
    expect(gaps.slice(before).at(-1)).toBe(newest);
    expect(seen).toEqual([]);
    await add('next');
    await catchUp();
    expect(seen).toEqual(['next']);
  });
});
