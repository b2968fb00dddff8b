import { dayOf, quietUntil, toMinutes, toTime } from './quiet-hours';

const hours = (from: string, to: string) => ({ from: toMinutes(from), to: toMinutes(to) });

describe('quiet hours', () => {
  it.each([
    ['before them', '2026-11-20T20:59:59Z', undefined],
    ['as they begin', '2026-11-20T21:00:00Z', '2026-11-21T06:30:00.000Z'],
    ['around midnight', '2026-11-20T23:10:42Z', '2026-11-21T06:30:00.000Z'],
    ['in the morning', '2026-11-21T06:29:59Z', '2026-11-21T06:30:00.000Z'],
    ['as they end', '2026-11-21T06:30:00Z', undefined],
    ['in summer, when clocks are an hour on', '2026-07-01T20:00:00Z', '2026-07-02T05:30:00.000Z'],
  ])('that go through midnight, %s', (_, at, until) => {
    const end = quietUntil(new Date(at), hours('22:00', '07:30'), 'Europe/Berlin');
    expect(end?.toISOString()).toBe(until);
  });

  it.each([
    ['forward', '2026-03-28T23:00:00Z', '2026-03-29T05:30:00.000Z'],
    ['back', '2026-10-24T22:00:00Z', '2026-10-25T06:30:00.000Z'],
    ['back, in the hour that comes twice', '2026-10-25T00:30:00Z', '2026-10-25T06:30:00.000Z'],
  ])('end when they should in the night in which clocks go %s', (_, at, until) => {
    const end = quietUntil(new Date(at), hours('22:00', '07:30'), 'Europe/Berlin');
    expect(end?.toISOString()).toBe(until);
  });

  it('end when they should where clocks go back at midnight', () => {
    const end = quietUntil(new Date('2026-10-29T19:30:00Z'), hours('22:00', '00:15'), 'Africa/Cairo');
    expect(end?.toISOString()).toBe('2026-10-29T22:15:00.000Z');
  });

  it('that end at a time which a day does not have are over an hour later', () => {
    const end = quietUntil(new Date('2026-03-29T00:50:00Z'), hours('22:00', '02:30'), 'Europe/Berlin');
    expect(end?.toISOString()).toBe('2026-03-29T01:30:00.000Z');
  });

  it.each([
    ['2026-11-20T07:14:00Z', undefined],
    ['2026-11-20T07:15:00Z', '2026-11-20T09:15:00.000Z'],
    ['2026-11-20T09:15:00Z', undefined],
  ])('within a day, in a zone with quarters of hours, at %s', (at, until) => {
    expect(quietUntil(new Date(at), hours('13:00', '15:00'), 'Asia/Kathmandu')?.toISOString()).toBe(until);
  });

  it('times of day are minutes and back', () => {
    for (const time of ['00:00', '07:05', '23:59']) expect(toTime(toMinutes(time))).toBe(time);
  });

  it('a day begins when it does where somebody is', () => {
    expect(dayOf(new Date('2026-11-20T23:30:00Z'), 'Europe/Berlin')).toBe('2026-11-21');
    expect(dayOf(new Date('2026-11-20T23:30:00Z'), 'America/New_York')).toBe('2026-11-20');
  });
});
