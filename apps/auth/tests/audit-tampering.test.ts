import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { AuditKeys } from '../src/audit/audit-keys';
import { AuditLog } from '../src/audit/audit-log';
import { AuditReader } from '../src/audit/audit-reader';
import { removeOldEvents } from '../src/audit/audit-retention';
import { exportedSource, exportLines } from '../src/audit/audit-export';
import { verifyAudit, type AuditReport, type VerifyOptions } from '../src/audit/audit-verifier';
import { Checkpoints, type MadeCheckpoint } from '../src/audit/checkpoints';
import { databaseSource } from '../src/audit/database-source';
import { keyIdOf } from '../src/audit/audit-keys';
import { signCheckpoint, type CheckpointBody } from '../src/audit/checkpoint';
import type { KeyVault } from '../src/keys/key-vault';
import { AuthDatabase } from './auth-database';

let store: AuthDatabase;
let vault: KeyVault;
let audit: AuditLog;
let keys: AuditKeys;
let checkpoints: Checkpoints;
/** All of their events are in one chain. */
const chain = 5;
const people = Array.from({ length: 4 }, () => randomUUID().slice(0, -1) + chain.toString(16));

beforeEach(async () => {
  store = await AuthDatabase.create();
  vault = store.vault();
  audit = new AuditLog({ database: store.database, ...vault });
  keys = new AuditKeys(vault.envelope);
  checkpoints = new Checkpoints(store.database, keys);
});
afterEach(() => store.close());

async function record(count: number, more: { address?: string } = {}): Promise<void> {
  for (let n = 0; n < count; n += 1) {
    await audit.recordAlone({
      action: 'session.started',
      result: 'succeeded',
      actor: { kind: 'user', id: String(people[n % people.length]) },
      details: { n },
      ...(more.address && { from: { address: more.address, userAgent: 'Canary/1.0' } }),
    });
  }
}

const verify = async (options?: VerifyOptions): Promise<AuditReport> =>
  verifyAudit(await databaseSource(store.database, keys), options);

/** As somebody who may do everything in the database, and knows how it works. */
const tamper = async (...statements: string[]) => {
  await store.rows('alter table auth.audit_events disable trigger user');
  await store.rows('alter table auth.audit_checkpoints disable trigger user');
  for (const statement of statements) await store.rows(statement);
};

/** Twenty events, the first twelve of which are signed for. */
async function history(): Promise<MadeCheckpoint[]> {
  await record(6);
  const first = await checkpoints.make();
  await record(6);
  const second = await checkpoints.make();
  await record(8);
  return [first, second] as MadeCheckpoint[];
}

it('what nobody has tampered with is intact, and it says how much of it is proven', async () => {
  const [, last] = await history();
  expect(await verify()).toEqual({
    intact: true,
    complete: true,
    events: 20,
    unproven: 8,
    checkpoints: 2,
    lastCheckpoint: { ...last, at: expect.any(Number) },
    findingCount: 0,
    findings: [],
  });
  expect(await checkpoints.make()).toBeDefined();
  expect(await checkpoints.make()).toBeUndefined();
  expect((await verify()).unproven).toBe(0);
});

/** Makes the rest of the chain fit again, as the trigger would have. */
const rehash = (from: number) => `do $$
  declare r record; p bytea;
  begin
    for r in select * from auth.audit_events where chain = ${chain} and seq >= ${from} order by seq loop
      select hash into p from auth.audit_events where chain = ${chain} and seq = r.seq - 1;
      p := coalesce(p, decode(repeat('00', 32), 'hex'));
      update auth.audit_events set previous_hash = p,
        hash = sha256(p || int2send(chain) || int8send(seq) || convert_to(body, 'UTF8'))
       where chain = ${chain} and seq = r.seq;
    end loop;
  end $$`;
const at = `where chain = ${chain} and seq`;

describe.each<[string, string[], Partial<AuditReport['findings'][number]>]>([
  [
    'an event is changed',
    [`update auth.audit_events set body = replace(body, '"n":3', '"n":4') ${at} = 4`],
    { kind: 'event changed', seq: 4 },
  ],
  [
    'an event is changed and its hash with it',
    [
      `update auth.audit_events set body = replace(body, '"n":3', '"n":4') ${at} = 4`,
      `update auth.audit_events set hash = sha256(previous_hash || int2send(chain) || int8send(seq) || convert_to(body, 'UTF8')) ${at} = 4`,
    ],
    { kind: 'event out of place', seq: 5 },
  ],
  [
    'an event is changed and the whole chain is made to fit',
    [`update auth.audit_events set body = replace(body, '"n":3', '"n":4') ${at} = 4`, rehash(4)],
    { kind: 'chain rewritten', seq: 6 },
  ],
  ['an event is removed', [`delete from auth.audit_events ${at} = 4`], { kind: 'event missing', seq: 4 }],
  [
    'an event is removed and the others move up',
    [
      `delete from auth.audit_events ${at} = 4`,
      `update auth.audit_events set seq = seq - 1001 ${at} > 4`,
      `update auth.audit_events set seq = seq + 1000 where chain = ${chain} and seq < 0`,
      rehash(4),
    ],
    { kind: 'chain rewritten', seq: 6 },
  ],
  [
    'an event is put in between',
    [
      `update auth.audit_events set seq = -seq - 1 ${at} > 4`,
      `update auth.audit_events set seq = -seq where chain = ${chain} and seq < 0`,
      `insert into auth.audit_events (chain, seq, body, previous_hash, hash)
       select chain, 5, body, previous_hash, hash from auth.audit_events ${at} = 4`,
      rehash(5),
    ],
    { kind: 'chain rewritten', seq: 6 },
  ],
  [
    'two events change places',
    [
      `update auth.audit_events set seq = -3 ${at} = 3`,
      `update auth.audit_events set seq = 3 ${at} = 4`,
      `update auth.audit_events set seq = 4 where chain = ${chain} and seq = -3`,
    ],
    { kind: 'event changed', seq: 3 },
  ],
  [
    'the events of a chain are moved to another one',
    [`update auth.audit_events set chain = 9 where chain = ${chain}`],
    { kind: 'end of chain removed', chain },
  ],
  [
    'the beginning is removed',
    [`delete from auth.audit_events ${at} <= 4`],
    { kind: 'beginning of chain removed', seq: 1 },
  ],
  [
    'the end is removed',
    [`delete from auth.audit_events ${at} > 10`],
    { kind: 'end of chain removed', seq: 11 },
  ],
  ['all is removed', ['delete from auth.audit_events'], { kind: 'end of chain removed', seq: 1 }],
  [
    'a column says something else than the event',
    [
      'alter table auth.audit_events alter column actor_id drop expression',
      `update auth.audit_events set actor_id = null ${at} = 20`,
    ],
    { kind: 'event columns changed', seq: 20 },
  ],
  [
    'a checkpoint is changed',
    [
      `update auth.audit_checkpoints set body = replace(body, '"heads":[[${chain},6', '"heads":[[${chain},5')`,
    ],
    { kind: 'checkpoint forged', position: 1 },
  ],
  [
    'a checkpoint takes the place of another',
    [
      'delete from auth.audit_checkpoints where position = 2',
      `insert into auth.audit_checkpoints (position, body, signature)
       select 2, body, signature from auth.audit_checkpoints where position = 1`,
    ],
    { kind: 'checkpoint forged', position: 2 },
  ],
])('found: %s', (_, statements, expected) => {
  it('by the chain and the checkpoints', async () => {
    await history();
    await tamper(...statements);
    const report = await verify();
    expect(report.intact).toBe(false);
    expect(report.findings).toContainEqual(expect.objectContaining(expected));
  });
});

it('the last checkpoint removed with the events after it is found by who has noted it', async () => {
  const [first, last] = (await history()) as [MadeCheckpoint, MadeCheckpoint];
  await tamper(
    `delete from auth.audit_events ${at} > 6`,
    'delete from auth.audit_checkpoints where position = 2',
  );
  expect((await verify()).intact).toBe(true);
  const report = await verify({ anchors: [first, last] });
  expect(report.findings).toEqual([{ kind: 'checkpoint missing', position: 2 }]);
});

it('a checkpoint in between removed is found', async () => {
  await history();
  await checkpoints.make();
  await tamper('delete from auth.audit_checkpoints where position = 2');
  expect((await verify()).findings).toContainEqual({ kind: 'checkpoint missing', position: 2 });
});

it('checkpoints signed by a key that the master key has not sealed are forged, whatever the table of keys says', async () => {
  await history();
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const der = publicKey.export({ type: 'spki', format: 'der' });
  const id = keyIdOf(der);
  const [row] = await store.rows<{ body: string }>(
    'select body from auth.audit_checkpoints where position = 2',
  );
  const forged = signCheckpoint(
    { ...(JSON.parse(String(row?.body)) as CheckpointBody), key: id },
    { privateKey },
  );
  await tamper();
  await store.rows(
    `insert into auth.audit_keys (id, public_key, sealed_private_key)
     select $1, $2, sealed_private_key from auth.audit_keys`,
    [id, der],
  );
  await store.rows('update auth.audit_checkpoints set body = $1, signature = $2 where position = 2', [
    forged.body,
    forged.signature,
  ]);
  expect((await verify()).findings).toContainEqual({ kind: 'checkpoint forged', position: 2 });
});

it('after the last checkpoint a rewritten end is not found: that is what the number of unproven events says', async () => {
  await history();
  await tamper(`delete from auth.audit_events ${at} > 15`);
  expect(await verify()).toMatchObject({ intact: true, unproven: 3 });
});

it('old events are removed by the owner of the tables alone, and what is left can still be verified', async () => {
  await history();
  await checkpoints.make();
  const byService = removeOldEvents(store.database, checkpoints, new Date(Date.now() + 60_000));
  await expect(byService).rejects.toThrow(/permission denied/);
  expect((await verify()).events).toBe(20);

  const removed = await removeOldEvents(store.owner, checkpoints, new Date(Date.now() + 60_000));
  expect(removed).toBe(19);
  expect(await verify()).toMatchObject({ intact: true, events: 1, unproven: 0, checkpoints: 1 });
  await record(3);
  await checkpoints.make();
  expect(await verify()).toMatchObject({ intact: true, events: 4, unproven: 0 });

  await tamper(`delete from auth.audit_events ${at} = 20`);
  expect((await verify()).findings).toContainEqual({ kind: 'beginning of chain removed', chain, seq: 20 });
});

it('is verified while events are added', async () => {
  await history();
  const [report] = await Promise.all([verify(), record(20), checkpoints.make()]);
  expect(report).toMatchObject({ intact: true, complete: true });
  expect(await verify()).toMatchObject({ intact: true, events: 40 });
});

it('ends early when it is told to, and says that it did', async () => {
  await history();
  expect(await verify({ signal: AbortSignal.abort() })).toMatchObject({ intact: true, complete: false });
});

describe('exported', () => {
  const lines = async (reveal?: Parameters<typeof exportLines>[1]) => {
    const all: string[] = [];
    for await (const line of exportLines(await databaseSource(store.database, keys), reveal)) all.push(line);
    return all;
  };

  it('it can be verified without the database, by who knows the id of the key', async () => {
    await history();
    const all = await lines();
    const { id } = JSON.parse(String(all[0])) as { id: string };
    expect(await verifyAudit(exportedSource(all.join('\n'), [id]))).toMatchObject({
      intact: true,
      events: 20,
      unproven: 8,
    });
    expect(await verifyAudit(exportedSource(all.join('\n'), ['another']))).toMatchObject({ intact: false });
    const changed = all.map((line) => line.replace('\\"n\\":3', '\\"n\\":4'));
    expect((await verifyAudit(exportedSource(changed.join('\n'), [id]))).findings).toContainEqual({
      kind: 'event changed',
      chain,
      seq: 4,
    });
    const cut = all.filter((line) => !line.includes('"seq":12'));
    expect(await verifyAudit(exportedSource(cut.join('\n'), [id]))).toMatchObject({ intact: false });
  });

  it('personal data stays sealed unless it is asked for, and then without that of who was forgotten', async () => {
    await record(2, { address: '203.0.113.9' });
    expect((await lines()).join('\n')).not.toMatch(/203\.0\.113\.9|Canary/);
    const reader = new AuditReader({ database: store.database, ...vault });
    await vault.userKeys.forget(store.database, String(people[1]));
    const events = (await lines(async (event) => ({ ...(await reader.reveal(event)) })))
      .map((line) => JSON.parse(line) as { line: string; revealed: unknown })
      .filter(({ line }) => line === 'event');
    expect(events.map(({ revealed }) => revealed)).toEqual([
      { from: { address: '203.0.113.9', userAgent: 'Canary/1.0' } },
      { from: null },
    ]);
  });
});
