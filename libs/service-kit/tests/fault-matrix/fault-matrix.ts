import { withClient } from '@rostrum/data-access';
import { waitFor } from '@rostrum/testing';
import type { NotesService } from './notes-service';

export const faults = ['refused', 'killed', 'paused', 'slow', 'reset', 'halfOpen'] as const;
export type Fault = (typeof faults)[number];

/** What a fault does, and how it ends. `during` is done again and again while it lasts. */
export interface Hurting {
  hurt(): Promise<void> | void;
  heal(): Promise<void> | void;
  during?(): Promise<void> | void;
}

export type Answers = readonly number[];

/** What the user may see of each kind of request while the fault lasts. */
export interface Expected {
  cached: Answers;
  stored: Answers;
  write: Answers;
  /** Milliseconds, where there is a promise. Everything has an answer within `longestAnswerMs`. */
  cachedP99?: number;
  healsWithinMs?: number;
}

/** The pool's wait, a statement's limit and its grace, with room for a machine that does something else. */
const longestAnswerMs = 12_000;
/** The design's promise is 10 s; the rest is for a machine that is busy with other tests. */
const healingMs = 20_000;
/** Until all is as it should be before a fault: sentinels do not take the next failover on at once. */
const preparationMs = 60_000;
/** So often, and for so long, everything is asked while the fault lasts. */
const rounds = 12;
const lastsMs = 3_000;

const seen = { cached: 'GET cached', stored: 'GET stored', write: 'PUT' };
type Kind = keyof typeof seen;
interface Sample {
  kind: Kind;
  status: number;
  ms: number;
}

export interface Endured {
  service: NotesService;
  /** The superuser's way to the database, around all faults. */
  adminUrl: string;
}

let notes = 0;

/** Asks while the fault lasts, heals it, waits until all is well, and looks whether anything acknowledged is missing. */
export async function endure(
  name: string,
  { service, adminUrl }: Endured,
  { hurting, expected }: { hurting: Hurting; expected: Expected },
): Promise<void> {
  const acknowledged: string[] = [];
  const ask = async (kind: Kind, id: string): Promise<Sample> => {
    const path = kind === 'stored' ? `/api/v1/stored-notes/${id}` : `/api/v1/notes/${id}`;
    const startedAt = performance.now();
    const response = await fetch(service.url + path, { method: kind === 'write' ? 'PUT' : 'GET' });
    await response.arrayBuffer();
    if (kind === 'write' && response.status === 201) acknowledged.push(id);
    return { kind, status: response.status, ms: performance.now() - startedAt };
  };
  const known = `known-${(notes += 1)}`;
  const askAll = () =>
    Promise.all([ask('cached', known), ask('stored', known), ask('write', `note-${(notes += 1)}`)]);
  const allWell = async () =>
    (await askAll()).every(({ status }) => status < 300) && (await service.isReady());

  await waitFor(async () => (await ask('write', known)).status === 201, { timeoutMs: preparationMs });
  const cacheHelps = async () => {
    const before = await service.cacheHits();
    return (await allWell()) && (await service.cacheHits()) > before;
  };
  await waitFor(cacheHelps, { what: 'a service that is well to begin with', timeoutMs: preparationMs });

  await hurting.hurt();
  const samples: Sample[] = [];
  const lastsUntil = performance.now() + lastsMs;
  for (let round = 0; round < rounds || performance.now() < lastsUntil; round += 1) {
    const asked = askAll();
    await hurting.during?.();
    samples.push(...(await asked));
  }
  const healedAt = performance.now();
  await hurting.heal();
  await waitFor(allWell, {
    what: `everything well after ${name}`,
    timeoutMs: expected.healsWithinMs ?? healingMs,
  });
  const healing = performance.now() - healedAt;
  report(name, samples, healing);
  judge(samples, expected);
  await everythingAcknowledged(adminUrl, acknowledged);
}

function report(name: string, samples: readonly Sample[], healingMs: number): void {
  const cells = (Object.keys(seen) as Kind[]).map((kind) => {
    const of = samples.filter((sample) => sample.kind === kind);
    const statuses = [...new Set(of.map(({ status }) => status))].sort().join('/');
    return `${seen[kind]} ${statuses} p99 ${Math.round(p99(of))} ms`;
  });
  process.stdout.write(
    `${name.padEnd(24)} ${cells.join(' · ')} · healed in ${(healingMs / 1000).toFixed(1)} s\n`,
  );
}

function p99(samples: readonly Sample[]): number {
  const sorted = samples.map(({ ms }) => ms).sort((a, b) => a - b);
  return sorted[Math.ceil(sorted.length * 0.99) - 1] ?? 0;
}

function judge(samples: readonly Sample[], expected: Expected): void {
  for (const { kind, status, ms } of samples) {
    expect({
      kind,
      allowed: expected[kind],
      status,
      isAllowed: expected[kind].includes(status),
    }).toMatchObject({
      isAllowed: true,
    });
    expect(ms).toBeLessThan(longestAnswerMs);
  }
  const { cachedP99 } = expected;
  if (cachedP99 !== undefined) {
    // The first ones find the fault out; what is promised is what all after them see.
    const cached = samples.filter(({ kind }) => kind === 'cached').slice(2);
    expect(p99(cached)).toBeLessThan(cachedP99);
  }
}

/** Nothing that was acknowledged is lost, and each of its events has taken effect once. */
async function everythingAcknowledged(adminUrl: string, ids: readonly string[]): Promise<void> {
  await withClient(adminUrl, async (admin) => {
    const { rows } = await admin.query('select id from posts.notes where id = any($1)', [ids]);
    expect(rows.map(({ id }: { id: string }) => id).sort()).toEqual([...ids].sort());
    const effects = async () => {
      const counted = await admin.query<{ id: string; times: number }>(
        'select id, count(*)::int as times from posts.seen_notes where id = any($1) group by id',
        [ids],
      );
      return counted.rows;
    };
    await waitFor(async () => (await effects()).length === ids.length, {
      what: 'every event to take effect',
      timeoutMs: 60_000,
    });
    expect((await effects()).filter(({ times }) => times !== 1)).toEqual([]);
  });
}
