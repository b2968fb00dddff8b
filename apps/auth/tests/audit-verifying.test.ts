import { AuditReader } from '../src/audit/audit-reader';
import { removeOldEvents } from '../src/audit/audit-retention';
import { exportedSource, exportLines } from '../src/audit/audit-export';
import { verifyAudit } from '../src/audit/audit-verifier';
import { databaseSource } from '../src/audit/database-source';
import { AuditStage, chain } from './audit-stage';

let stage: AuditStage;

beforeEach(async () => {
  stage = await AuditStage.open();
});
afterEach(() => stage.close());

it('what nobody has tampered with is intact, and it says how much of it is proven', async () => {
  const [, last] = await stage.history();
  expect(await stage.verify()).toEqual({
    intact: true,
    complete: true,
    events: 20,
    unproven: 8,
    checkpoints: 2,
    lastCheckpoint: { ...last, at: expect.any(Number) },
    findingCount: 0,
    findings: [],
  });
  expect(await stage.checkpoints.make()).toBeDefined();
  expect(await stage.checkpoints.make()).toBeUndefined();
  expect((await stage.verify()).unproven).toBe(0);
});

it('old events are removed by the owner of the tables alone, and what is left can still be verified', async () => {
  await stage.history();
  await stage.checkpoints.make();
  const byService = removeOldEvents(stage.store.database, stage.checkpoints, new Date(Date.now() + 60_000));
  await expect(byService).rejects.toThrow(/permission denied/);
  expect((await stage.verify()).events).toBe(20);

  const removed = await removeOldEvents(stage.store.owner, stage.checkpoints, new Date(Date.now() + 60_000));
  expect(removed).toBe(19);
  expect(await stage.verify()).toMatchObject({ intact: true, events: 1, unproven: 0, checkpoints: 1 });
  await stage.record(3);
  await stage.checkpoints.make();
  expect(await stage.verify()).toMatchObject({ intact: true, events: 4, unproven: 0 });

  await stage.tamper(`delete from auth.audit_events where chain = ${chain} and seq = 20`);
  expect((await stage.verify()).findings).toContainEqual({
    kind: 'beginning of chain removed',
    chain,
    seq: 20,
  });
});

it('is verified while events are added', async () => {
  await stage.history();
  const [report] = await Promise.all([stage.verify(), stage.record(20), stage.checkpoints.make()]);
  expect(report).toMatchObject({ intact: true, complete: true });
  expect(await stage.verify()).toMatchObject({ intact: true, events: 40 });
});

it('ends early when it is told to, and says that it did', async () => {
  await stage.history();
  expect(await stage.verify({ signal: AbortSignal.abort() })).toMatchObject({
    intact: true,
    complete: false,
  });
});

describe('exported', () => {
  const lines = async (reveal?: Parameters<typeof exportLines>[1]) => {
    const all: string[] = [];
    for await (const line of exportLines(await databaseSource(stage.store.database, stage.keys), reveal))
      all.push(line);
    return all;
  };

  it('it can be verified without the database, by who knows the id of the key', async () => {
    await stage.history();
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
    await stage.record(2, { address: '203.0.113.9' });
    expect((await lines()).join('\n')).not.toMatch(/203\.0\.113\.9|Canary/);
    const reader = new AuditReader({ database: stage.store.database, ...stage.vault });
    await stage.vault.userKeys.forget(stage.store.database, String(stage.people[1]));
    const events = (await lines(async (event) => ({ ...(await reader.reveal(event)) })))
      .map((line) => JSON.parse(line) as { line: string; revealed: unknown })
      .filter(({ line }) => line === 'event');
    expect(events.map(({ revealed }) => revealed)).toEqual([
      { from: { address: '203.0.113.9', userAgent: 'Canary/1.0' } },
      { from: null },
    ]);
  });
});
