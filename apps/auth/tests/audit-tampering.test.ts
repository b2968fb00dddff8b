import { generateKeyPairSync } from 'node:crypto';
import { keyIdOf } from '../src/audit/audit-keys';
import type { AuditReport } from '../src/audit/audit-verifier';
import { signCheckpoint, type CheckpointBody } from '../src/audit/checkpoint';
import type { MadeCheckpoint } from '../src/audit/checkpoints';
import { AuditStage, chain } from './audit-stage';

let stage: AuditStage;

beforeEach(async () => {
  stage = await AuditStage.open();
});
afterEach(() => stage.close());

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
    await stage.history();
    await stage.tamper(...statements);
    const report = await stage.verify();
    expect(report.intact).toBe(false);
    expect(report.findings).toContainEqual(expect.objectContaining(expected));
  });
});

it('the last checkpoint removed with the events after it is found by who has noted it', async () => {
  const [first, last] = (await stage.history()) as [MadeCheckpoint, MadeCheckpoint];
  await stage.tamper(
    `delete from auth.audit_events ${at} > 6`,
    'delete from auth.audit_checkpoints where position = 2',
  );
  expect((await stage.verify()).intact).toBe(true);
  const report = await stage.verify({ anchors: [first, last] });
  expect(report.findings).toEqual([{ kind: 'checkpoint missing', position: 2 }]);
});

it('a checkpoint in between removed is found', async () => {
  await stage.history();
  await stage.checkpoints.make();
  await stage.tamper('delete from auth.audit_checkpoints where position = 2');
  expect((await stage.verify()).findings).toContainEqual({ kind: 'checkpoint missing', position: 2 });
});

it('checkpoints signed by a key that the master key has not sealed are forged, whatever the table of keys says', async () => {
  await stage.history();
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const der = publicKey.export({ type: 'spki', format: 'der' });
  const id = keyIdOf(der);
  const [row] = await stage.store.rows<{ body: string }>(
    'select body from auth.audit_checkpoints where position = 2',
  );
  const forged = signCheckpoint(
    { ...(JSON.parse(String(row?.body)) as CheckpointBody), key: id },
    { privateKey },
  );
  await stage.tamper();
  await stage.store.rows(
    `insert into auth.audit_keys (id, public_key, sealed_private_key)
     select $1, $2, sealed_private_key from auth.audit_keys`,
    [id, der],
  );
  await stage.store.rows('update auth.audit_checkpoints set body = $1, signature = $2 where position = 2', [
    forged.body,
    forged.signature,
  ]);
  expect((await stage.verify()).findings).toContainEqual({ kind: 'checkpoint forged', position: 2 });
});

it('after the last checkpoint a rewritten end is not found: that is what the number of unproven events says', async () => {
  await stage.history();
  await stage.tamper(`delete from auth.audit_events ${at} > 15`);
  expect(await stage.verify()).toMatchObject({ intact: true, unproven: 3 });
});
