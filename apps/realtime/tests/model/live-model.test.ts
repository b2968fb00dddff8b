import fs from 'node:fs';
import path from 'node:path';
import { startRedisServer, type OwnServer } from '@rostrum/testing';
import { bundleProgram } from '@rostrum/testing/bundle-program';
import { chanceOf, seed } from './chance';
import { LiveModel } from './live-model';

/** Some of it is waiting for Redis to be back. */
const patienceMs = 180_000;
const kept = { windowSeconds: 600, positionSeconds: 3600 };

let server: OwnServer;

beforeAll(async () => {
  server = await startRedisServer({ persistent: 'everysec' });
});
afterAll(() => server.stop());

async function runModel(model: LiveModel, { steps, restarts }: { steps: number; restarts: number }) {
  await model.begin();
  try {
    await model.perform(steps, restarts);
    await model.settle();
    const summary = { events: model.eventsReceived, gaps: model.gapsTold, ...model.done };
    process.stdout.write(`${JSON.stringify(summary)}\n`);
    expect(model.findings()).toEqual([]);
    // What is drawn by lot may be mostly faults; a run in which hardly anything arrives has shown nothing.
    expect(model.eventsReceived).toBeGreaterThan(steps / 100);
  } finally {
    await model.end();
  }
}

describe(`whatever happens (LIVE_SEED=${seed})`, () => {
  it.each([
    { run: 0, steps: 2000, restarts: 2, maxEvents: 20 },
    { run: 1, steps: 2000, restarts: 2, maxEvents: 250 },
    { run: 2, steps: 2000, restarts: 0, maxEvents: 60 },
  ])(
    'nothing is lost, out of order or missing in silence: run $run',
    async ({ run, maxEvents, ...how }) => {
      await runModel(new LiveModel(server, { maxEvents, ...kept }, chanceOf(seed + run)), how);
    },
    patienceMs,
  );

  it(
    'nothing is even missing as long as the log keeps everything',
    async () => {
      const settings = { maxEvents: 20_000, ...kept };
      const model = new LiveModel(server, settings, chanceOf(seed + 3), {
        weights: { trim: 0, forget: 0, burst: 0 },
      });
      await runModel(model, { steps: 2000, restarts: 0 });
      expect(model.gapsTold).toBe(0);
    },
    patienceMs,
  );

  it(
    'nor when one of the instances is a process that is killed',
    async () => {
      const { folder, file: program } = await bundleProgram(path.join(__dirname, 'serve-instance.ts'));
      try {
        const options = { program, weights: { kill: 5 } };
        const model = new LiveModel(server, { maxEvents: 60, ...kept }, chanceOf(seed + 4), options);
        await runModel(model, { steps: 800, restarts: 1 });
        process.stdout.write(`${model.processesKilled} processes killed\n`);
        expect(model.processesKilled).toBeGreaterThan(0);
      } finally {
        fs.rmSync(folder, { recursive: true, force: true });
      }
    },
    patienceMs,
  );
});
