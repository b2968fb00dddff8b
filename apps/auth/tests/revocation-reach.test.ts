import { randomUUID } from 'node:crypto';
import type { Transaction } from '@rostrum/data-access';
import type { RevocationList } from '@rostrum/security';
import { startFaultProxy, waitFor, type FaultProxy } from '@rostrum/testing';
import { KeyCluster, type Member, type Token } from './key-cluster';

const promisedMs = 5_000;

let cluster: KeyCluster;
let issuer: Member;
let second: Member;
/** Between those who issue and Redis. */
let writers: FaultProxy;
let redis: FaultProxy;
let auth: FaultProxy;
/** Hears through both sources, each of which can be hurt. */
let verifier: Member;
const heard: string[] = [];

beforeAll(async () => {
  cluster = await KeyCluster.create();
  writers = await startFaultProxy({ target: cluster.redisUrl });
  issuer = await cluster.issuer({}, writers.urlFor(cluster.redisUrl));
  second = await cluster.issuer({}, writers.urlFor(cluster.redisUrl));
  redis = await startFaultProxy({ target: cluster.redisUrl });
  auth = await startFaultProxy({ target: issuer.url });
  verifier = await cluster.verifier(auth.urlFor(issuer.url).replace(/\/$/, ''), {
    redisUrl: redis.urlFor(cluster.redisUrl),
    onList: (list: RevocationList) => list.onAdded((added) => heard.push(...added.map(({ id }) => id))),
  });
});
afterAll(async () => {
  await cluster.close();
  await Promise.all([redis.close(), auth.close(), writers.close()]);
});
afterEach(async () => {
  await Promise.all([redis.heal(), auth.heal(), writers.heal()]);
  await waitFor(async () => (await verifier.readiness()).degraded.length === 0, {
    what: 'all to be well',
    timeoutMs: 20_000,
  });
});

/** By a process that serves nobody, as an operator's command is: what it revokes, others must find out. */
const revoke = (work: (trx: Transaction) => Promise<void>) => cluster.store.database.transaction(work);

async function refusedWithin(token: Token, members: Member[]): Promise<number> {
  const began = performance.now();
  await waitFor(
    async () => (await Promise.all(members.map((m) => m.ask(token)))).every((status) => status === 401),
    {
      what: 'the token to be refused',
      timeoutMs: 15_000,
    },
  );
  return performance.now() - began;
}

async function goodToken(): Promise<Token> {
  const token = await issuer.issue();
  expect(await Promise.all([issuer, second, verifier].map((member) => member.ask(token)))).toEqual([
    200, 200, 200,
  ]);
  return token;
}

it.each<[string, () => Promise<void> | void]>([
  ['all is well', () => undefined],
  ['Redis is gone', () => redis.refuse()],
  ['Redis is silent', () => redis.pause()],
  ['what Redis is told comes late', () => redis.delay(100)],
  ['those who issue have lost Redis', () => writers.refuse()],
  ['auth cannot be asked', () => auth.refuse()],
  ['auth is silent', () => auth.pause()],
])('a revoked session is refused everywhere within five seconds while %s', async (state, hurt) => {
  const [ended, other] = [await goodToken(), await goodToken()];
  await hurt();
  const { revocations } = cluster.care();
  await revoke((trx) => revocations.revokeSessions(trx, [ended.sessionId]));
  const took = await refusedWithin(ended, [issuer, second, verifier]);
  process.stdout.write(`revoked while ${state}: refused everywhere after ${Math.round(took)} ms\n`);
  expect(took).toBeLessThan(promisedMs);
  expect(await verifier.ask(other)).toBe(200);
  expect(heard).toContain(ended.sessionId);
});

it('a transaction that is undone revokes nothing', async () => {
  const token = await goodToken();
  const { revocations } = cluster.care();
  const undone = revoke(async (trx) => {
    await revocations.revokeSessions(trx, [token.sessionId]);
    throw new Error('undone');
  });
  await expect(undone).rejects.toThrow('undone');
  const after = await goodToken();
  await revoke((trx) => revocations.revokeSessions(trx, [after.sessionId]));
  await refusedWithin(after, [issuer, second, verifier]);
  expect(await verifier.ask(token)).toBe(200);
});

it('all tokens of a person are refused, and a new one of the same session is good at once', async () => {
  const token = await goodToken();
  const { revocations } = cluster.care();
  await revoke((trx) => revocations.revokeUser(trx, token.userId));
  await refusedWithin(token, [issuer, second, verifier]);
  const renewed = await issuer.issue({ userId: token.userId, sessionId: token.sessionId });
  expect(await Promise.all([issuer, second, verifier].map((member) => member.ask(renewed)))).toEqual([
    200, 200, 200,
  ]);
});

it('who starts later knows what was revoked before, before it says that it is ready', async () => {
  const token = await goodToken();
  await revoke((trx) => cluster.care().revocations.revokeSessions(trx, [token.sessionId]));
  await refusedWithin(token, [issuer]);
  const late = [await cluster.verifier(issuer.url), await cluster.issuer()];
  expect(await Promise.all(late.map((member) => member.ask(token)))).toEqual([401, 401]);
});

it('with both sources gone it goes on, says so, and learns what it has missed afterwards', async () => {
  const [ended, other] = [await goodToken(), await goodToken()];
  await Promise.all([redis.refuse(), auth.refuse()]);
  await waitFor(async () => (await verifier.readiness()).degraded.includes('revocations'), {
    what: 'readiness to say it',
    timeoutMs: 20_000,
  });
  expect((await verifier.readiness()).status).toBe(200);
  await revoke((trx) => cluster.care().revocations.revokeSessions(trx, [ended.sessionId]));
  expect(await verifier.ask(other)).toBe(200);
  await Promise.all([redis.heal(), auth.heal()]);
  await refusedWithin(ended, [verifier]);
});

it('what Redis has missed while it was gone for longer than its news go back is asked for', async () => {
  const token = await goodToken();
  await redis.refuse();
  await revoke((trx) => cluster.care().revocations.revokeSessions(trx, [token.sessionId]));
  await refusedWithin(token, [verifier]);
  const next = await goodToken();
  await redis.heal();
  await revoke((trx) => cluster.care().revocations.revokeSessions(trx, [next.sessionId]));
  await refusedWithin(next, [verifier]);
});

it('checking costs no query: only the looks for news do, however often a token is asked about', async () => {
  const token = await goodToken();
  const queries = jest.spyOn(cluster.store.database, 'query');
  const began = performance.now();
  for (let n = 0; n < 50; n += 1) await Promise.all(Array.from({ length: 20 }, () => issuer.ask(token)));
  const seconds = (performance.now() - began) / 1000;
  // Every process that issues looks a few times a second; three are running.
  expect(queries.mock.calls.length).toBeLessThan(30 + 15 * seconds);
  queries.mockRestore();
});

it('a session that nobody has heard of is no reason to refuse anybody', async () => {
  await revoke((trx) => cluster.care().revocations.revokeSessions(trx, [randomUUID()]));
  await goodToken();
});
