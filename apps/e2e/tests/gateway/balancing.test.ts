import https from 'node:https';
import { waitFor } from '@rostrum/testing';
import type { Backend } from './backend';
import { ask } from './client';
import { setStage, type Stage } from './stage';

let stage: Stage;
let first: Backend;
let second: Backend;

beforeEach(async () => {
  stage = await setStage({ limits: { ratePerSecond: 0 } });
  const [one, two] = stage.posts;
  if (!one || !two) throw new Error('two instances are needed');
  [first, second] = [one, two];
});

afterEach(() => stage.close());

/** Who answers a number of requests, one after the other. */
async function answerers(count: number): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (let asked = 0; asked < count; asked += 1) {
    const { status, json } = await ask(stage, '/api/v1/posts');
    const who = status === 200 ? String(json.name) : String(json.code);
    counts[who] = (counts[who] ?? 0) + 1;
  }
  return counts;
}

/** What the name of a test promises is measured; what fails it leaves room for a machine that is busy. */
const patienceMs = 15_000;

function told(what: string, ms: number): void {
  process.stdout.write(`${what} after ${Math.round(ms)} ms\n`);
  expect(ms).toBeLessThan(patienceMs);
}

async function timed(action: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await action();
  return performance.now() - start;
}

describe('two instances', () => {
  it('take turns', async () => {
    expect(await answerers(20)).toEqual({ 'posts-1': 10, 'posts-2': 10 });
  });

  it('lose the one that is not ready within 2 s, and get it back', async () => {
    first.ready = false;
    const left = await timed(() => waitFor(async () => (await answerers(4))['posts-2'] === 4));
    const meanwhile = await answerers(10);
    first.ready = true;
    const back = await timed(() => waitFor(async () => (await answerers(4))['posts-1'] === 2));

    expect(meanwhile).toEqual({ 'posts-2': 10 });
    told('left out', left);
    told('taken in again', back);
  });

  it('lose no request when one dies without notice: what never left is sent to the other, a POST too', async () => {
    await answerers(4);
    await first.kill();
    const sent = ['GET', 'POST', 'PUT', 'GET', 'POST', 'PATCH', 'DELETE', 'GET'];
    const statuses: number[] = [];
    for (const method of sent)
      statuses.push((await ask(stage, '/api/v1/posts', { method, body: method })).status);

    expect(statuses).toEqual(sent.map(() => 200));
    expect(second.seen.slice(-sent.length).map(({ body }) => body)).toEqual(sent);
  });

  it('never see a request twice that one of them has already read', async () => {
    await expect(ask(stage, '/api/v1/posts?do=abort', { method: 'POST', body: 'once' })).rejects.toThrow();

    expect([...first.seen, ...second.seen].filter(({ body }) => body === 'once')).toHaveLength(1);
  });
});

describe('no instance at all', () => {
  it('is a 502 at once, a 503 when the health checks know, and service again within seconds of one’s return', async () => {
    await Promise.all([first.kill(), second.kill()]);
    const atOnce = await ask(stage, '/api/v1/posts', { headers: { 'X-Request-Id': 'all-down-1' } });
    const known = await waitFor(async () => {
      const answer = await ask(stage, '/api/v1/posts');
      return answer.status === 503 && answer;
    });
    const others = await ask(stage, '/api/v1/auth/me');
    await second.revive();
    const back = await timed(() => waitFor(async () => (await answerers(10))['posts-2'] === 10));

    expect([atOnce.status, atOnce.json.code, atOnce.json.requestId]).toEqual([
      502,
      'GATEWAY_BAD_GATEWAY',
      'all-down-1',
    ]);
    expect(atOnce.headers['content-type']).toBe('application/problem+json');
    expect(known.json.code).toBe('GATEWAY_SERVICE_UNAVAILABLE');
    expect(others.status).toBe(200);
    told('service again', back);
  });
});

/** What was on its way when the gateway turned to the other instance has arrived: a service serves on for as long. */
async function untilQuiet(backend: Backend): Promise<void> {
  let before = -1;
  const quiet = () => {
    const same = backend.seen.length === before;
    before = backend.seen.length;
    return same;
  };
  await waitFor(quiet, { everyMs: 500, what: `${backend.name} to be asked no more` });
}

describe('a rolling restart', () => {
  it('loses nothing under keep-alive load when each instance says first that it is not ready', async () => {
    const agent = new https.Agent({ keepAlive: true, maxSockets: 8 });
    const statuses: Record<string, number> = {};
    let running = true;
    const load = Array.from({ length: 8 }, async () => {
      while (running) {
        const outcome = await ask(stage, '/api/v1/posts', { agent }).then(
          ({ status }) => String(status),
          (error: Error) => error.message,
        );
        statuses[outcome] = (statuses[outcome] ?? 0) + 1;
      }
    });

    for (const backend of [first, second]) {
      const other = backend === first ? second : first;
      backend.ready = false;
      await waitFor(async () => (await answerers(4))[other.name] === 4);
      await untilQuiet(backend);
      await backend.drain();
      await backend.revive();
      backend.ready = true;
      await waitFor(async () => (await answerers(4))[backend.name] === 2);
    }
    running = false;
    await Promise.all(load);
    agent.destroy();

    expect(Object.keys(statuses)).toEqual(['200']);
    expect(statuses['200']).toBeGreaterThan(100);
  });
});
