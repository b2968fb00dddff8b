import { waitFor } from '@rostrum/testing';
import type { MigrationMap } from '../src';
import { first, second, MigrationStage } from './migration-stage';

let stage: MigrationStage;

beforeEach(async () => {
  stage = await MigrationStage.open();
});
afterEach(() => stage.close());

describe('a dry run', () => {
  it('tries everything, tells every statement and changes nothing', async () => {
    const { dryRun, pending } = await stage.up(second, { dryRun: true });
    expect(dryRun).toEqual([
      {
        name: '1-create',
        tried: true,
        statements: [expect.stringContaining('create table "one"')],
      },
      { name: '2-extend', tried: true, statements: ['alter table "one" add column "name" text'] },
    ]);
    expect(pending).toEqual(['1-create', '2-extend']);
    expect(await stage.columns()).toEqual([]);
  });

  it('says what would fail', async () => {
    const broken: MigrationMap = { ...first, '2-broken': { up: (knex) => knex.raw('select 1 / 0') } };
    await expect(stage.up(broken, { dryRun: true })).rejects.toThrow(
      /^Migration "2-broken" would fail: .*division by zero/,
    );
    expect((await stage.up(first)).ran).toEqual(['1-create']);
  });

  it('shows the way back, with values', async () => {
    const withRows: MigrationMap = {
      ...first,
      '2-rows': {
        up: (knex) => knex('one').insert({ id: 7 }),
        down: (knex) => knex('one').where({ id: 7 }).delete(),
      },
    };
    await stage.up(withRows);
    expect((await stage.down(withRows, { dryRun: true })).dryRun).toEqual([
      { name: '2-rows', tried: true, statements: ['delete from "one" where "id" = $1 -- $1 = 7'] },
    ]);
    expect(await stage.asOwner('select id from alpha.one')).toEqual([{ id: 7 }]);
  });

  it('lists what it cannot try, and what depends on it', async () => {
    const concurrent: MigrationMap = {
      ...first,
      '2-index': {
        config: { transaction: false },
        up: (knex) => knex.raw('create index concurrently if not exists one_id on one (id)'),
      },
      '3-after': { up: (knex) => knex.raw('drop index one_id') },
      '4-asks': {
        up: async (knex) => {
          const { rows } = (await knex.raw('select 1 as n')) as { rows: { n: number }[] };
          await knex.raw(`select ${String(rows.map(({ n }) => n)[0]?.toFixed(1).length)}`);
          (rows[0] as { n: number }).n.toFixed();
        },
      },
    };
    const { dryRun } = await stage.up(concurrent, { dryRun: true });
    expect(dryRun?.map(({ name, tried }) => `${name} ${tried}`)).toEqual([
      '1-create true',
      '2-index false',
      '3-after false',
      '4-asks false',
    ]);
    expect(dryRun?.[1]).toMatchObject({ note: expect.stringContaining('outside a transaction') as string });
    expect(dryRun?.[3]?.note).toContain('up to where it needs an answer');
    expect(await stage.columns()).toEqual([]);
  });
});

describe('the lock', () => {
  it('lets others wait, tells them for whom, and ends with the one that holds it', async () => {
    const gate = Promise.withResolvers<void>();
    const told: object[] = [];
    const slow: MigrationMap = { '1-create': { up: () => gate.promise } };
    const running = stage.up(slow);
    await waitFor(() => isMigrating());
    const waiting = stage.up(slow, { onProgress: (event) => told.push(event) });
    await waitFor(() => told.length > 0);
    expect(told).toEqual([
      { kind: 'waiting', holder: expect.stringMatching(/^migrate alpha, process \d+/) as string },
    ]);
    gate.resolve();
    expect((await running).ran).toEqual(['1-create']);
    expect((await waiting).ran).toEqual([]);
  });

  it('is not waited for longer than one wants to', async () => {
    const gate = Promise.withResolvers<void>();
    const running = stage.up({ '1-slow': { up: () => gate.promise } });
    await waitFor(() => isMigrating());
    await expect(stage.up(first, { waitMs: 100 })).rejects.toThrow(/has been running for more than 100 ms/);
    gate.resolve();
    await running;
  });

  const isMigrating = async () =>
    (
      await stage.asOwner(
        `select from pg_stat_activity where application_name = 'migrate alpha' and state = 'idle in transaction'
            and datname = current_database()`,
      )
    ).length > 0;
});
