import { createTestDatabase, waitFor, type TestDatabase } from '@rostrum/testing';
import { createDatabase, createOutbox, type Database } from '../../src';

interface WakeUp {
  from: number;
  to: number;
}

let own: TestDatabase;
let database: Database;
let wakeUps: WakeUp[];
let onWakeUp: () => void;

beforeAll(async () => {
  own = await createTestDatabase('things', { source: {} });
  database = createDatabase({
    url: own.url,
    hooks: {
      onQuery: ({ operation, seconds }) => {
        const to = performance.now();
        if (operation !== 'outbox.wake') return;
        wakeUps.push({ from: to - seconds * 1000, to });
        onWakeUp();
      },
    },
  });
});
beforeEach(() => {
  wakeUps = [];
  onWakeUp = () => undefined;
});
afterAll(async () => {
  await database.close();
  await own.drop();
});

describe('wake-ups of a relay', () => {
  it('rest between each other, and what comes meanwhile has one of its own', async () => {
    const { wake } = createOutbox({ database, schema: 'things' });
    onWakeUp = () => {
      if (wakeUps.length < 4) wake();
    };
    wake();
    await waitFor(() => wakeUps.length === 4);
    for (const [index, { from }] of wakeUps.entries()) {
      const before = wakeUps[index - 1];
      // A timer may be a millisecond early by another clock.
      if (before) expect(from - before.to).toBeGreaterThan(8);
    }
  });

  it('are heard by whoever listens', async () => {
    let heard = 0;
    const listener = database.listen('outbox_things', () => (heard += 1));
    try {
      await waitFor(() => heard === 1, { what: 'the connection' });
      createOutbox({ database, schema: 'things' }).wake();
      await waitFor(() => heard === 2, { what: 'the wake-up' });
    } finally {
      await listener.stop();
    }
  });
});
