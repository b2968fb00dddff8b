import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { RevocationList, type RevocableToken, type Revocation } from '../index';

const start = 1_800_000_000_000;
const token = (more: Partial<RevocableToken> = {}): RevocableToken => ({
  sessionId: randomUUID(),
  userId: randomUUID(),
  keyId: 'key',
  issuedAt: start / 1000,
  ...more,
});
const of = (kind: Revocation['kind'], id: string, at = start): Revocation => ({
  kind,
  id,
  at,
  until: at + 900_000,
});

function list(options: { most?: number; onOverflow?: () => void } = {}) {
  const clock = { now: start };
  return { clock, revocations: new RevocationList({ ...options, now: () => clock.now }) };
}

it('refuses all of a session and all of a key, and of a user what is not younger', () => {
  const { revocations } = list();
  const ada = token();
  expect(revocations.isRevoked(ada)).toBe(false);
  revocations.add([of('session', ada.sessionId)]);
  expect(revocations.isRevoked({ ...ada, issuedAt: ada.issuedAt + 60 })).toBe(true);
  expect(revocations.isRevoked({ ...ada, sessionId: randomUUID() })).toBe(false);

  const eve = token();
  revocations.add([of('subject', eve.userId, start + 500)]);
  expect(revocations.isRevoked(eve)).toBe(true);
  expect(revocations.firstGoodSecond(eve.userId)).toBe(eve.issuedAt + 1);
  expect(revocations.isRevoked({ ...eve, issuedAt: revocations.firstGoodSecond(eve.userId) })).toBe(false);
  expect(revocations.firstGoodSecond(randomUUID())).toBeLessThanOrEqual(1);

  revocations.add([of('key', 'leaked')]);
  expect(revocations.isRevoked(token({ keyId: 'leaked', issuedAt: start / 1000 + 60 }))).toBe(true);
  expect(revocations.isRevoked(token())).toBe(false);
});

it('tells its listeners of what is new, once, whatever is told twice', () => {
  const { revocations } = list();
  const heard: Revocation[][] = [];
  const stop = revocations.onAdded((added) => heard.push([...added]));
  const [one, two] = [of('session', 'a'), of('session', 'b')];
  revocations.add([one]);
  const { version } = revocations;
  revocations.add([one]);
  expect(revocations.version).toBe(version);
  revocations.add([one, two]);
  stop();
  revocations.add([of('session', 'c')]);
  expect(heard).toEqual([[one], [two]]);
});

it('a later revocation of the same user counts, an older one that comes late changes nothing', () => {
  const { revocations } = list();
  const { userId } = token();
  revocations.add([of('subject', userId, start + 5_000)]);
  revocations.add([of('subject', userId, start)]);
  expect(revocations.firstGoodSecond(userId)).toBe(start / 1000 + 6);
  revocations.add([of('subject', userId, start + 9_000)]);
  expect(revocations.firstGoodSecond(userId)).toBe(start / 1000 + 10);
});

it('forgets what has expired by itself, and takes nothing in that has', () => {
  const { revocations, clock } = list();
  revocations.add([of('session', 'a'), of('subject', 'b'), of('key', 'c')]);
  clock.now += 900_000;
  revocations.add([of('session', 'late')]);
  expect(revocations.size).toBe(0);
  revocations.add([of('session', 'd', clock.now)]);
  expect(revocations.size).toBe(1);
});

it('with more than it holds it refuses more, never less, and settles', () => {
  let overflows = 0;
  const { revocations, clock } = list({ most: 100, onOverflow: () => (overflows += 1) });
  const ended = Array.from({ length: 150 }, (_, n) => token({ issuedAt: start / 1000 + n }));
  const revoked = ended.map(({ sessionId, issuedAt }) => of('session', sessionId, issuedAt * 1000));
  revocations.add([of('key', 'leaked')]);
  for (const each of revoked) revocations.add([each]);
  // The same list comes again with each poll.
  revocations.add(revoked);
  expect(overflows).toBe(1);
  expect(revocations.size).toBeLessThanOrEqual(101);
  for (const each of ended) expect(revocations.isRevoked(each)).toBe(true);
  expect(revocations.isRevoked(token({ keyId: 'leaked', issuedAt: start }))).toBe(true);

  const bystander = token({ issuedAt: start / 1000 + 50 });
  expect(revocations.isRevoked(bystander)).toBe(true);
  expect(
    revocations.isRevoked({ ...bystander, issuedAt: revocations.firstGoodSecond(bystander.userId) }),
  ).toBe(false);
  clock.now = start + 2_000_000;
  revocations.add([of('session', 'x', clock.now)]);
  expect(revocations.isRevoked(bystander)).toBe(false);
});

it('whatever is revoked stays refused until it has expired, in any order and however small the list', () => {
  const ids = fc.integer({ min: 0, max: 40 });
  const step = fc.record({
    kind: fc.constantFrom('session' as const, 'subject' as const, 'key' as const),
    id: ids,
    wait: fc.integer({ min: 0, max: 120_000 }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), fc.integer({ min: 1, max: 30 }), (steps, most) => {
      const { revocations, clock } = list({ most });
      const told: Revocation[] = [];
      for (const { kind, id, wait } of steps) {
        clock.now += wait;
        const revocation = of(kind, `${kind}${id}`, clock.now);
        told.push(revocation);
        revocations.add([revocation]);
        for (const { kind: k, id: i, at, until } of told) {
          if (until <= clock.now) continue;
          const concerned = token({
            sessionId: k === 'session' ? i : 'another',
            userId: k === 'subject' ? i : 'somebody',
            keyId: k === 'key' ? i : 'good',
            issuedAt: Math.floor(at / 1000),
          });
          expect(revocations.isRevoked(concerned)).toBe(true);
        }
      }
    }),
    { numRuns: 200 },
  );
});
