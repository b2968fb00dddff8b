import { gatherCalls } from './gathered-calls';

const refused = (code: string) => Object.assign(new Error('refused'), { severity: 'ERROR', code });

/** Doubles numbers; notes which came together. */
function doubling({ most, fails }: { most?: number; fails?: (items: readonly number[]) => unknown } = {}) {
  const batches: number[][] = [];
  const double = gatherCalls({
    ...(most !== undefined && { most }),
    all: (items: readonly number[]) => {
      batches.push([...items]);
      const error = fails?.(items);
      return error ? Promise.reject(error as Error) : Promise.resolve(items.map((item) => item * 2));
    },
  });
  return { double, batches };
}

it('calls of one turn are one, and everybody gets their own result', async () => {
  const { double, batches } = doubling();
  expect(await Promise.all([1, 2, 3].map(double))).toEqual([2, 4, 6]);
  expect(await double(4)).toBe(8);
  expect(batches).toEqual([[1, 2, 3], [4]]);
});

it('no more than so many are one', async () => {
  const { double, batches } = doubling({ most: 2 });
  expect(await Promise.all([1, 2, 3, 4, 5].map(double))).toEqual([2, 4, 6, 8, 10]);
  expect(batches).toEqual([[1, 2], [3, 4], [5]]);
});

it.each(['22021', '23505', '40P01', 'P0001'])(
  'what PostgreSQL refuses because of one (%s) is done for the others',
  async (code) => {
    const { double, batches } = doubling({ fails: (items) => items.includes(2) && refused(code) });
    const outcomes = await Promise.allSettled([1, 2, 3].map(double));
    expect(outcomes).toMatchObject([{ value: 2 }, { reason: { code } }, { value: 6 }]);
    expect(batches).toEqual([[1, 2, 3], [1], [2], [3]]);
  },
);

it.each([refused('57014'), new Error('the connection is gone')])(
  'where it is not known what was done, or nobody would fare better, nothing is done twice',
  async (error) => {
    const { double, batches } = doubling({ fails: () => error });
    const outcomes = await Promise.allSettled([1, 2].map(double));
    expect(outcomes).toMatchObject([{ reason: error }, { reason: error }]);
    expect(batches).toEqual([[1, 2]]);
  },
);
