import { randomUUID } from 'node:crypto';
import { waitFor } from '@rostrum/testing';
import { newMasterKey, newSigningKey } from './auth-app';
import { KeyCluster, type Member, type Token } from './key-cluster';

const operator = { actor: { kind: 'operator', name: 'tests' } } as const;
let cluster: KeyCluster;

beforeEach(async () => {
  cluster = await KeyCluster.create();
});
afterEach(() => cluster.close());

interface KeyRow {
  kid: string;
  sealed_private_key: Buffer | null;
  signs_from: Date | null;
}
const keyRows = () => cluster.store.rows<KeyRow>('select * from auth.signing_keys order by created_at');
const auditActions = async () =>
  (
    await cluster.store.rows<{ action: string }>(
      'select action from auth.audit_events order by occurred_at, seq',
    )
  ).map(({ action }) => action);
/** Makes it look as if all that happened to the keys had happened so much earlier. */
const age = (seconds: number) =>
  cluster.store.rows(
    `update auth.signing_keys set created_at = created_at - make_interval(secs => $1::int),
       signs_from = signs_from - make_interval(secs => $1::int)`,
    [seconds],
  );

/** Asks everyone with every new token, until it is told to end; resolves to how many answers of which status there were. */
function load(issuers: Member[], verifiers: Member[]) {
  const statuses: Record<string, number> = {};
  const kids = new Set<string>();
  let stopped = false;
  const ask = async (member: Member, token: Token) => {
    const status = await member.ask(token);
    statuses[status] = (statuses[status] ?? 0) + 1;
  };
  const client = async (n: number) => {
    const issuer = issuers[n % issuers.length] as Member;
    while (!stopped) {
      const token = await issuer.issue();
      kids.add(token.kid);
      await Promise.all([...issuers, ...verifiers].map((member) => ask(member, token)));
    }
  };
  const done = Promise.all(Array.from({ length: 4 }, (_, n) => client(n)));
  return {
    kids,
    end: async () => {
      stopped = true;
      await done;
      return statuses;
    },
  };
}

it('several processes that start at once on an empty database have the same keys', async () => {
  const members = await Promise.all([cluster.issuer(), cluster.issuer(), cluster.issuer()]);
  const published = await Promise.all(members.map((member) => member.published()));
  const kids = new Set(published.flatMap((each) => each.kids));
  expect(kids.size).toBe(2);
  const tokens = await Promise.all(members.map((member) => member.issue()));
  expect(new Set(tokens.map(({ kid }) => kid)).size).toBe(1);
  expect(published[0]?.cacheControl).toBe('public, max-age=1');
  expect(await auditActions()).toEqual(['signing_key.created']);
});

it('begins with the key that it is given, and only the first time', async () => {
  const pem = newSigningKey();
  const first = await cluster.issuer({ JWT_SIGNING_KEY: pem });
  const { kid } = await first.issue();
  const second = await cluster.issuer({ JWT_SIGNING_KEY: newSigningKey() });
  const third = await cluster.issuer();
  expect([(await second.issue()).kid, (await third.issue()).kid]).toEqual([kid, kid]);
});

it('no private key is in the database in clear, nor can it be read with another master key', async () => {
  const pem = newSigningKey();
  await cluster.issuer({ JWT_SIGNING_KEY: pem });
  const der = Buffer.from(pem.replace(/-----[^-]+-----|\n/g, ''), 'base64');
  const rows = await keyRows();
  expect(rows).toHaveLength(2);
  for (const { sealed_private_key: sealed } of rows) {
    expect(sealed?.includes(der.subarray(40, 72))).toBe(false);
    expect(sealed?.toString('latin1')).not.toMatch(/PRIVATE|MII/);
  }
  const stranger = await cluster.issuer({ KMS_MASTER_KEY: newMasterKey() });
  expect((await stranger.readiness()).status).toBe(503);
  await expect(stranger.issue()).rejects.toThrow('503');
});

it('rotation under load: tokens of the old and the new key are good everywhere at all times', async () => {
  const issuers = [await cluster.issuer(), await cluster.issuer()];
  const verifiers = [
    await cluster.verifier(String(issuers[0]?.url)),
    await cluster.verifier(String(issuers[1]?.url)),
  ];
  const { rotation } = cluster.care();
  const traffic = load(issuers, verifiers);
  for (let round = 1; round <= 3; round += 1) {
    const { kid, signsFrom } = await rotation.rotate(operator);
    // Not before everyone may have seen it twice.
    const [row] = (await keyRows()).filter((each) => each.kid === kid);
    expect(signsFrom).toEqual(row?.signs_from);
    await waitFor(() => traffic.kids.has(kid), { what: 'the next key to sign', timeoutMs: 20_000 });
  }
  const statuses = await traffic.end();
  process.stdout.write(`rotation under load: ${JSON.stringify(statuses)} by ${traffic.kids.size} keys\n`);
  expect(Object.keys(statuses)).toEqual(['200']);
  expect(traffic.kids.size).toBe(4);
  expect((await auditActions()).filter((action) => action === 'signing_key.rotated')).toHaveLength(3);
});

it('a key that has been published too briefly signs when it has been for long enough', async () => {
  const slow = { JWKS_MAX_AGE: '300' };
  const issuer = await cluster.issuer(slow);
  const before = await issuer.issue();
  const { rotation } = cluster.care(slow);
  const { kid, signsFrom } = await rotation.rotate(operator);
  const minutes = (signsFrom.getTime() - Date.now()) / 60_000;
  expect(minutes).toBeGreaterThan(9);
  expect(minutes).toBeLessThanOrEqual(10);
  expect((await issuer.issue()).kid).toBe(before.kid);
  await expect(rotation.rotate(operator)).rejects.toMatchObject({ code: 'ROTATION_UNDER_WAY' });
  await age(600);
  await waitFor(async () => (await issuer.issue()).kid === kid, {
    what: 'the next key to sign',
    timeoutMs: 10_000,
  });
});

it('emergency: what the key has signed is refused everywhere within five seconds, nothing else ever is', async () => {
  const issuers = [await cluster.issuer(), await cluster.issuer()];
  const verifiers = [
    await cluster.verifier(String(issuers[0]?.url)),
    await cluster.verifier(String(issuers[1]?.url)),
  ];
  const everyone = [...issuers, ...verifiers];
  const stolen = await (issuers[0] as Member).issue();
  expect(await Promise.all(everyone.map((member) => member.ask(stolen)))).toEqual([200, 200, 200, 200]);

  const refused: Token[] = [];
  let stopped = false;
  const client = async (issuer: Member) => {
    while (!stopped) {
      const token = await issuer.issue();
      const statuses = await Promise.all(everyone.map((member) => member.ask(token)));
      if (statuses.some((status) => status !== 200)) refused.push(token);
    }
  };
  const clients = Promise.all(issuers.map(client));
  // By another process than those that answer requests, as an operator's command is.
  const revoked = performance.now();
  await cluster.care().rotation.revoke(stolen.kid, { ...operator, reason: 'stolen' });
  await waitFor(
    async () =>
      (await Promise.all(everyone.map((member) => member.ask(stolen)))).every((status) => status === 401),
    { what: 'the key to be refused', timeoutMs: 10_000 },
  );
  const took = performance.now() - revoked;
  process.stdout.write(`emergency revocation: refused everywhere after ${Math.round(took)} ms\n`);
  expect(took).toBeLessThan(5_000);
  await waitFor(async () => (await (issuers[1] as Member).issue()).kid !== stolen.kid, {
    what: 'another key to sign',
  });
  stopped = true;
  await clients;
  expect(refused.filter(({ kid }) => kid !== stolen.kid)).toEqual([]);
  for (const issuer of issuers) expect((await issuer.published()).kids).not.toContain(stolen.kid);
  const [row] = (await keyRows()).filter(({ kid }) => kid === stolen.kid);
  expect(row?.sealed_private_key).toBeNull();
});

it('all keys revoked, one after the other: there is another one each time', async () => {
  const issuer = await cluster.issuer();
  const { rotation } = cluster.care();
  const gone: string[] = [];
  for (let round = 0; round < 3; round += 1) {
    const { kid } = await issuer.issue();
    await rotation.revoke(kid, { ...operator, reason: 'leaked' });
    gone.push(kid);
    await waitFor(async () => !gone.includes((await issuer.issue()).kid), { what: 'another key' });
  }
  await expect(rotation.revoke(String(gone[0]), { ...operator, reason: 'x' })).rejects.toMatchObject({
    code: 'KEY_ALREADY_REVOKED',
  });
  await expect(rotation.revoke('nothing', { ...operator, reason: 'x' })).rejects.toMatchObject({
    status: 404,
  });
});

it('a waiting key that is revoked is replaced, and the one that signs goes on', async () => {
  const issuer = await cluster.issuer();
  const { kid } = await issuer.issue();
  const waiting = (await keyRows()).find((each) => each.signs_from === null);
  await cluster.care().rotation.revoke(String(waiting?.kid), { ...operator, reason: 'leaked' });
  expect((await issuer.issue()).kid).toBe(kid);
  const rows = (await keyRows()).filter(
    (each) => each.signs_from === null && each.sealed_private_key !== null,
  );
  expect(rows).toHaveLength(1);
  expect(rows[0]?.kid).not.toBe(waiting?.kid);
});

it('the worker: the key makes room when its time is over, once, however many workers there are', async () => {
  const issuer = await cluster.issuer({ JWT_KEY_ROTATION_DAYS: '30' });
  const before = await issuer.issue();
  const workers = [cluster.care(), cluster.care(), cluster.care()];
  const keepUp = () =>
    Promise.all(workers.map(({ rotation }) => rotation.keepUp({ kind: 'system', name: 'worker' })));
  await keepUp();
  expect(await keyRows()).toHaveLength(2);

  await age(30 * 86_400);
  await keepUp();
  expect(await keyRows()).toHaveLength(3);
  await waitFor(async () => (await issuer.issue()).kid !== before.kid, { what: 'the next key to sign' });
  expect((await issuer.published()).kids).toContain(before.kid);
  expect(await issuer.ask(before)).toBe(200);

  // Long after its last token the old key is published no more, and its private half is gone.
  await age(1_000);
  await waitFor(async () => !(await issuer.published()).kids.includes(before.kid), {
    what: 'the old key to retire',
  });
  await keepUp();
  const old = (await keyRows()).find(({ kid }) => kid === before.kid);
  expect(old?.sealed_private_key).toBeNull();
  expect((await keyRows()).filter((each) => each.sealed_private_key !== null)).toHaveLength(2);
});

it('a key that has been exchanged for another in the database is not used', async () => {
  await cluster.issuer();
  const [one, other] = await keyRows();
  await cluster.store.rows('update auth.signing_keys set sealed_private_key = $2 where kid = $1', [
    one?.kid,
    other?.sealed_private_key,
  ]);
  const member = await cluster.issuer();
  expect((await member.readiness()).status).toBe(503);
});

it('the same user, session and key: a token says so', async () => {
  const issuer = await cluster.issuer();
  const [userId, sessionId] = [randomUUID(), randomUUID()];
  const { token, kid } = await issuer.issue({ userId, sessionId });
  const payload = JSON.parse(Buffer.from(String(token.split('.')[1]), 'base64url').toString());
  expect(payload).toMatchObject({ sub: userId, sid: sessionId, roles: ['user'], aud: 'rostrum' });
  expect((await issuer.published()).kids).toContain(kid);
});
