import { createHash, randomUUID } from 'node:crypto';
import { inRequest } from './request-context';
import { AuditLog } from '../src/audit/audit-log';
import type { AuditBody, AuditEntry } from '../src/audit/audit-event';
import type { KeyVault } from '../src/keys/key-vault';
import { AuthDatabase } from './auth-database';

let store: AuthDatabase;
let vault: KeyVault;
let audit: AuditLog;

beforeAll(async () => {
  store = await AuthDatabase.create();
  vault = store.vault();
  audit = new AuditLog({ database: store.database, ...vault });
});
afterAll(() => store.close());

const signedIn = (id: string, more: Partial<AuditEntry> = {}): AuditEntry => ({
  action: 'session.started',
  result: 'succeeded',
  actor: { kind: 'user', id },
  ...more,
});

interface EventRow {
  chain: number;
  seq: string;
  body: string;
  previous_hash: Buffer;
  hash: Buffer;
  actor_id: string | null;
  subject_id: string | null;
  action: string;
  occurred_at: Date;
}

const eventsOf = (actorId: string) =>
  store.rows<EventRow>('select * from auth.audit_events where actor_id = $1 order by seq', [actorId]);

it('says who, what, when, from where and with what result, and by which request', async () => {
  const [ada, eve] = [randomUUID(), randomUUID()];
  const target = { session: randomUUID() };
  await inRequest('the-request', () =>
    audit.recordAlone(signedIn(ada, { subjectId: eve, target, details: { method: 'password' } })),
  );
  const [row] = await eventsOf(ada);
  expect(JSON.parse(String(row?.body))).toEqual({
    v: 1,
    id: expect.any(String),
    at: row?.occurred_at.getTime(),
    action: 'session.started',
    result: 'succeeded',
    actor: { kind: 'user', id: ada },
    subjectId: eve,
    target,
    details: { method: 'password' },
    requestId: 'the-request',
  });
  expect(row).toMatchObject({ actor_id: ada, subject_id: eve, action: 'session.started' });
});

it('is written if, and only if, the transaction commits', async () => {
  const ada = randomUUID();
  const undone = store.database.transaction(async (trx) => {
    await audit.record(trx, signedIn(ada));
    throw new Error('undone');
  });
  await expect(undone).rejects.toThrow('undone');
  expect(await eventsOf(ada)).toEqual([]);
});

it('keeps personal data sealed: with the key of its person it can be read, without it never again', async () => {
  const ada = randomUUID();
  const from = { address: '203.0.113.77', userAgent: 'Canary/1.0' };
  await audit.recordAlone(signedIn(ada, { from, personal: { email: 'canary@example.com' } }));
  const [row] = await eventsOf(ada);
  const everything = JSON.stringify(
    await store.rows('select e::text, k::text from auth.audit_events e, auth.user_keys k'),
  );
  expect(everything).not.toMatch(/203\.0\.113\.77|Canary|canary/);

  const body = JSON.parse(String(row?.body)) as AuditBody;
  const read = async (part: 'from' | 'personal') => {
    const place = { table: 'audit_events', column: part, row: body.id };
    const sealed = Buffer.from(String(body[part]?.data), 'base64');
    const plain = await vault.userKeys.open(store.database, String(body[part]?.owner), { sealed, place });
    return plain && JSON.parse(plain.toString());
  };
  expect([await read('from'), await read('personal')]).toEqual([from, { email: 'canary@example.com' }]);
  await vault.userKeys.forget(store.database, ada);
  expect([await read('from'), await read('personal')]).toEqual([undefined, undefined]);
});

it('a key that was made in a transaction which is undone seals nothing afterwards', async () => {
  const ada = randomUUID();
  const from = { address: '203.0.113.78', userAgent: undefined };
  const undone = store.database.transaction(async (trx) => {
    await audit.record(trx, signedIn(ada, { from }));
    throw new Error('undone');
  });
  await expect(undone).rejects.toThrow('undone');
  await audit.recordAlone(signedIn(ada, { from }));
  const [row] = await eventsOf(ada);
  const { id, from: part } = JSON.parse(String(row?.body)) as AuditBody;
  const sealed = {
    sealed: Buffer.from(String(part?.data), 'base64'),
    place: { table: 'audit_events', column: 'from', row: id },
  };
  expect(String(await vault.userKeys.open(store.database, ada, sealed))).toContain('203.0.113.78');
});

it('what is done at once by many stands in unbroken chains, without anyone waiting for ever', async () => {
  const people = Array.from({ length: 8 }, () => randomUUID());
  const each = (n: number) => people[n % people.length] as string;
  await Promise.all(
    Array.from({ length: 120 }, (_, n) =>
      store.database.transaction(async (trx) => {
        // Two events about two people in opposite orders: chains of their own would have them wait for each other.
        await audit.record(trx, signedIn(each(n)));
        await audit.record(trx, signedIn(each(n + 1 + (n % 5))));
      }),
    ),
  );
  const rows = await store.rows<EventRow>('select * from auth.audit_events order by chain, seq');
  expect(rows.length).toBeGreaterThanOrEqual(240);
  let before: EventRow | undefined;
  for (const row of rows) {
    const first = before?.chain !== row.chain;
    expect(Number(row.seq)).toBe(first ? 1 : Number(before?.seq) + 1);
    expect(row.previous_hash).toEqual(first ? Buffer.alloc(32) : before?.hash);
    const place = Buffer.alloc(10);
    place.writeInt16BE(row.chain);
    place.writeBigInt64BE(BigInt(row.seq), 2);
    const hash = createHash('sha256').update(row.previous_hash).update(place).update(row.body);
    expect(row.hash).toEqual(hash.digest());
    before = row;
  }
});

describe('nobody can change what is written', () => {
  it.each([
    ['change an event', `update auth.audit_events set body = body`],
    ['remove an event', 'delete from auth.audit_events'],
    ['remove all events', 'truncate auth.audit_events'],
    ['change a checkpoint', `update auth.audit_checkpoints set body = ''`],
    ['remove a checkpoint', 'delete from auth.audit_checkpoints'],
    ['change the key of checkpoints', `update auth.audit_keys set public_key = ''`],
    ['switch off what numbers and hashes', 'alter table auth.audit_events disable trigger append'],
  ])('the service may not %s', async (_, sql) => {
    await expect(store.rows(sql, [], store.database)).rejects.toThrow(/permission denied|must be owner/);
  });

  it('an event that the service numbers and hashes itself is numbered and hashed all the same', async () => {
    const body = JSON.stringify({
      id: randomUUID(),
      at: Date.now(),
      action: 'a.b',
      result: 'failed',
      actor: {},
    });
    const forged = `insert into auth.audit_events (chain, seq, body, previous_hash, hash)
      values (3, 4711, $1, '\\x00', '\\x00') returning seq, hash`;
    const [row] = await store.rows<EventRow>(forged, [body], store.database);
    expect(Number(row?.seq)).toBeLessThan(4711);
    expect(row?.hash).toHaveLength(32);
  });

  it.each([
    'update auth.audit_events set body = body',
    'truncate auth.audit_events',
    `update auth.audit_checkpoints set body = ''`,
  ])('not even the owner of the tables: %s', async (sql) => {
    await expect(store.rows(sql, [], store.owner)).rejects.toThrow(/append-only/);
  });
});
