import { validate, version } from 'uuid';
import { newId } from './new-id';

const timeOf = (id: string) => Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);

it('makes ids that are each greater than those before, of the time when they were made', () => {
  const before = Date.now();
  const ids = Array.from({ length: 20_000 }, newId);
  const after = Date.now();
  expect([...new Set(ids)].sort()).toEqual(ids);
  expect(ids.every((id) => validate(id) && version(id) === 7)).toBe(true);
  expect(timeOf(ids[0] ?? '')).toBeGreaterThanOrEqual(before);
  expect(timeOf(ids.at(-1) ?? '')).toBeLessThanOrEqual(after + 1);
});

it('leaves the rest of an id to chance', () => {
  const ends = Array.from({ length: 1_000 }, () => newId().slice(-12));
  expect(new Set(ends).size).toBe(ends.length);
});

it('goes on in order when the clock is set back', () => {
  const clock = jest.spyOn(Date, 'now');
  const now = Date.now();
  clock.mockReturnValue(now + 5_000);
  const first = newId();
  clock.mockReturnValue(now);
  const second = newId();
  clock.mockRestore();
  expect(second > first).toBe(true);
});
