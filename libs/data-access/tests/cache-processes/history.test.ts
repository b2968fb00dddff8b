import { staleReads } from './history';
import type { Operation } from './messages';

const operation = (kind: Operation['kind'], times: [number, number], version?: number): Operation => ({
  kind,
  key: 'a',
  startedAt: times[0],
  endedAt: times[1],
  ...(version !== undefined && { version }),
});

it.each<[string, Operation[], number]>([
  ['a read of what was acknowledged', [operation('write', [0, 1], 1), operation('read', [2, 3], 1)], 0],
  ['a read of less', [operation('write', [0, 1], 2), operation('read', [2, 3], 1)], 1],
  ['a read beside a write', [operation('write', [0, 4], 2), operation('read', [2, 3], 1)], 0],
  ['a read after a write that failed', [operation('write', [0, 1]), operation('read', [2, 3], 1)], 0],
  [
    'a read of another key',
    [operation('write', [0, 1], 2), { ...operation('read', [2, 3], 1), key: 'b' }],
    0,
  ],
  [
    'a read after writes that ended in another order than they took place',
    [operation('write', [0, 5], 1), operation('write', [1, 2], 2), operation('read', [6, 7], 1)],
    1,
  ],
])('judges %s', (_what, history, stale) => {
  expect(staleReads(history)).toHaveLength(stale);
});
