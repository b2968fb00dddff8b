import { VisitorLimits } from './visitor-limits';

const options = { total: 5, perUser: 2, perAddress: 3, handshakes: { perSecond: 10, burst: 20 } };
const codeOf = (act: () => void) => {
  try {
    act();
  } catch (error) {
    return (error as { code: string }).code;
  }
  return undefined;
};

describe('how many sockets', () => {
  it('a person may have is counted over all addresses, and a place given back can be taken', () => {
    const limits = new VisitorLimits(options);
    const enter = (address: string) => codeOf(() => limits.enter({ userId: 'ada', address }));
    expect([enter('a'), enter('b'), enter('c')]).toEqual([undefined, undefined, 'TOO_MANY_CONNECTIONS']);
    limits.leave({ userId: 'ada', address: 'a' });
    expect([enter('c'), enter('d')]).toEqual([undefined, 'TOO_MANY_CONNECTIONS']);
  });

  it('an address may have is counted over all people', () => {
    const limits = new VisitorLimits(options);
    const enter = (userId: string) => codeOf(() => limits.enter({ userId, address: 'a' }));
    expect(['u', 'v', 'w', 'x'].map(enter)).toEqual([
      undefined,
      undefined,
      undefined,
      'TOO_MANY_CONNECTIONS',
    ]);
    limits.leave({ userId: 'v', address: 'a' });
    expect(['x', 'y'].map(enter)).toEqual([undefined, 'TOO_MANY_CONNECTIONS']);
  });

  it('the process may have is bounded too', () => {
    const limits = new VisitorLimits(options);
    const enter = (i: number) => codeOf(() => limits.enter({ userId: `u${i}`, address: `a${i}` }));
    expect([0, 1, 2, 3, 4, 5].map(enter)).toEqual([...Array(5).fill(undefined), 'FULL']);
  });

  it('who is refused takes no place', () => {
    const limits = new VisitorLimits(options);
    for (let i = 0; i < 2; i += 1) limits.enter({ userId: 'ada', address: 'a' });
    for (let i = 0; i < 9; i += 1) codeOf(() => limits.enter({ userId: 'ada', address: 'a' }));
    expect(codeOf(() => limits.enter({ userId: 'grace', address: 'a' }))).toBeUndefined();
  });
});

describe('how often an address may ask', () => {
  const knocks = (limits: VisitorLimits, address: string, times: { count: number; at: number }) =>
    Array.from({ length: times.count }, () => codeOf(() => limits.knock(address, times.at)));

  it('has a burst and a rate, and others are not hurt', () => {
    const limits = new VisitorLimits(options);
    const first = knocks(limits, 'a', { count: 30, at: 1000 });
    expect(first.filter((code) => code === 'TOO_MANY_HANDSHAKES')).toHaveLength(10);
    expect(knocks(limits, 'b', { count: 1, at: 1000 })).toEqual([undefined]);
    const later = knocks(limits, 'a', { count: 10, at: 1500 });
    expect(later.filter((code) => code === undefined)).toHaveLength(5);
  });

  it('is remembered as long as it matters', () => {
    const limits = new VisitorLimits(options);
    for (let at = 0; at < 20_000; at += 100) {
      // One more than the rate allows, each tenth of a second.
      const [first] = knocks(limits, 'a', { count: 2, at });
      expect(first).toBeUndefined();
    }
    const all = knocks(limits, 'a', { count: 20, at: 20_000 });
    expect(all.filter((code) => code === undefined).length).toBeLessThanOrEqual(1);
    expect(knocks(limits, 'a', { count: 20, at: 30_000 })).toEqual(Array(20).fill(undefined));
  });
});
