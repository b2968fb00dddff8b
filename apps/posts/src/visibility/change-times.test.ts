import { randomUUID } from 'node:crypto';
import { arrivalsOf, ChangeTimes, homeOf, placeOfArrivals, placeOfSubject } from './change-times';

const tailOf = (id: string) => Number.parseInt(id.slice(-8), 16);

it('finds what has come from somebody by the end of their id alone', () => {
  for (let i = 0; i < 1_000; i += 1) {
    const id = randomUUID();
    expect(placeOfArrivals(tailOf(id))).toBe(placeOfSubject(arrivalsOf(id)));
  }
});

it('tells a person, their feed and what comes from them apart', () => {
  const times = new ChangeTimes();
  const id = randomUUID();
  times.note(placeOfSubject(arrivalsOf(id)), 7);
  expect(times.hasChanged(6, placeOfSubject(arrivalsOf(id)))).toBe(true);
  expect(times.hasChanged(7, placeOfSubject(arrivalsOf(id)))).toBe(false);
  for (const other of [id, homeOf(id)]) expect(times.hasChanged(0, placeOfSubject(other))).toBe(false);
});

it('spreads ids that follow each other', () => {
  const ids = Array.from({ length: 10_000 }, (_, n) => n.toString(16).padStart(8, '0'));
  expect(new Set(ids.map(placeOfSubject)).size).toBeGreaterThan(9_900);
});
