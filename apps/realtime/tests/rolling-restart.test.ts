import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';
import type { ServerMessage } from '@rostrum/contracts';
import { waitFor } from '@rostrum/testing';
import type { LiveClient } from './live-client';
import { RealtimeApp, type Instance, type Person } from './realtime-app';

/** ROLLING_CLIENTS=2000 for the whole thing: each costs two sockets and some CPU here. */
const count = Number(process.env['ROLLING_CLIENTS'] ?? 150);
const patienceMs = 240_000;
const reconnectsPerSecond = 500;
/** However fast events come while it is away, what a client has missed is in the log. */
const maxEvents = 100_000;
const post = '0190a8a0-0000-7000-8000-000000000002';

let app: RealtimeApp;

beforeAll(async () => {
  app = await RealtimeApp.create({
    environment: {
      WEBSOCKET_MAX_CONNECTIONS_PER_ADDRESS: '100000',
      WEBSOCKET_MAX_CONNECTIONS_PER_USER: '100000',
      RATE_LIMIT_WEBSOCKET_HANDSHAKES: '100000',
      WEBSOCKET_RECONNECTS_PER_SECOND: String(reconnectsPerSecond),
      LIVE_LOG_EVENTS: String(maxEvents),
    },
    live: { maxEvents },
  });
});
let clients: Wanderer[] = [];
afterAll(async () => {
  await Promise.all(clients.map((client) => client.leave()));
  await app.stop();
});

/** A client that does as it is told: when it is cut off it comes back after the delay that it was given, elsewhere. */
class Wanderer {
  readonly ids: string[] = [];
  readonly gaps: unknown[] = [];
  isHere = false;
  private client: LiveClient | undefined;
  private epoch = '';
  private offset = 0;
  private done = false;

  constructor(
    private readonly person: Person,
    private readonly next: () => Instance,
    private readonly onHandshake: () => void,
  ) {}

  async arrive(): Promise<void> {
    await waitFor(() => this.done || this.come().then(() => true), {
      what: 'a way in',
      timeoutMs: 60_000,
    });
  }

  private async come(): Promise<void> {
    this.onHandshake();
    const client = await this.next().connect(this.person, { channels: [] });
    this.client = client;
    client.socket.on('message', (data) => this.take(JSON.parse(String(data)) as ServerMessage));
    const since = this.epoch ? { epoch: this.epoch, offset: this.offset } : undefined;
    await client.subscribe(`post:${post}`, since);
    this.isHere = true;
    void client.closed.then(() => this.comeBack(client));
  }

  async leave(): Promise<void> {
    this.done = true;
    await this.client?.close();
  }

  private async comeBack(client: LiveClient): Promise<void> {
    if (this.done) return;
    this.isHere = false;
    await delay(client.of('draining').at(-1)?.reconnectInMs ?? 0);
    await this.arrive();
  }

  private take(message: ServerMessage): void {
    if (message.type === 'subscribed') this.epoch = message.epoch;
    // Redis has been too slow for it: whoever is told so asks again.
    if (message.type === 'error') this.client?.socket.terminate();
    if (message.type === 'gap') this.gaps.push(message);
    if (message.type !== 'event') return;
    this.offset = message.offset ?? Number.NaN;
    this.ids.push(message.id);
  }
}

describe('restarting two processes one after the other', () => {
  it(
    `loses nothing for ${count} clients, and brings none of them back too fast`,
    async () => {
      const instances = [await app.instance(), await app.instance()];
      let turn = 0;
      const handshakes: number[] = [];
      const next = () => instances[turn++ % instances.length] as Instance;
      const people = await Promise.all(Array.from({ length: 20 }, (_, i) => app.person(`p${i}`)));
      clients = Array.from(
        { length: count },
        (_, i) =>
          new Wanderer(people[i % people.length] as Person, next, () => handshakes.push(performance.now())),
      );
      for (const client of clients) await client.arrive();
      handshakes.length = 0;
      const published: string[] = [];
      let publishing = true;
      const publisher = (async () => {
        while (publishing) {
          published.push(await app.publishTo(`post:${post}`));
          await nextTurn();
        }
      })();
      for (const old of [...instances]) {
        const fresh = await app.instance();
        instances.splice(instances.indexOf(old), 1, fresh);
        await old.service.stop('a new version');
        await waitFor(() => clients.every(({ isHere }) => isHere), { what: 'all back', timeoutMs: 60_000 });
      }
      publishing = false;
      await publisher;
      const last = published.at(-1) ?? '';
      await waitFor(() => clients.every(({ ids }) => ids.at(-1) === last), {
        what: 'all with the last event',
        timeoutMs: 60_000,
      });

      const peak = peakPerSecond(handshakes);
      process.stdout.write(
        `${count} clients, ${published.length} events, ${handshakes.length} handshakes, at most ${peak} in a second\n`,
      );
      for (const { ids, gaps } of clients) {
        expect(gaps).toEqual([]);
        expect(new Set(ids).size).toBe(ids.length);
        expect(ids).toEqual(published.slice(-ids.length));
        expect(ids).toHaveLength(published.length);
      }
      expect(peak).toBeLessThanOrEqual(2 * reconnectsPerSecond);
    },
    patienceMs,
  );
});

function peakPerSecond(moments: readonly number[]): number {
  let peak = 0;
  for (let start = 0, end = 0; end < moments.length; end += 1) {
    while ((moments[end] ?? 0) - (moments[start] ?? 0) > 1000) start += 1;
    peak = Math.max(peak, end - start + 1);
  }
  return peak;
}
