import { waitFor } from '@rostrum/testing';
import { askForUpgrade, type LiveClient } from './live-client';
import { RealtimeApp, type Instance } from './realtime-app';

let app: RealtimeApp;

beforeAll(async () => {
  app = await RealtimeApp.create({ environment: { SHUTDOWN_DRAIN_MS: '20000', WEBSOCKET_DRAIN_MS: '400' } });
});
afterAll(() => app.stop());

async function crowd(instance: Instance, count: number): Promise<LiveClient[]> {
  const people = await Promise.all(Array.from({ length: count }, (_, i) => app.person(`p${i}`)));
  return Promise.all(people.map((person) => instance.connect(person)));
}

describe('a process that is to end', () => {
  it('tells each client when to come back, then closes the sockets bit by bit', async () => {
    const instance = await app.instance();
    const clients = await crowd(instance, 60);
    const closedAt: number[] = [];
    for (const client of clients) void client.closed.then(() => closedAt.push(performance.now()));

    const startedAt = performance.now();
    const { ok } = await instance.service.stop('test');

    expect(ok).toBe(true);
    for (const client of clients) {
      expect(await client.closed).toEqual({ code: 1012, reason: 'restarting' });
      expect(client.messages.at(-1)?.type).toBe('draining');
    }
    const delays = clients.map((client) => client.of('draining')[0]?.reconnectInMs ?? -1);
    expect(new Set(delays).size).toBeGreaterThan(10);
    expect(Math.min(...delays)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...delays)).toBeLessThanOrEqual(400);
    const [first, last] = [Math.min(...closedAt), Math.max(...closedAt)].map((at) => at - startedAt);
    process.stdout.write(`60 sockets were closed from ${first?.toFixed()} to ${last?.toFixed()} ms\n`);
    // Four at a time, with 20 ms between: timers are late on a busy machine, but hardly early.
    expect((last ?? 0) - (first ?? 0)).toBeGreaterThan(100);
  });

  it('ends in time, and well, also when a client does not say goodbye', async () => {
    const instance = await app.instance({ SHUTDOWN_DRAIN_MS: '3000' });
    const deaf = await app.person('deaf');
    const stuck = await instance.connect(deaf);
    const [polite] = await crowd(instance, 1);
    stuck.socket.pause();
    const startedAt = performance.now();

    const { ok } = await instance.service.stop('test');

    expect(ok).toBe(true);
    expect((await polite?.closed)?.code).toBe(1012);
    const ended = () =>
      app.log.lines().some((line) => line.user_id === deaf.id && /ended/.test(line.message));
    await waitFor(ended);
    // Far from the thirty seconds that `ws` itself would wait for the client's half of the close.
    expect(performance.now() - startedAt).toBeLessThan(20_000);
    stuck.socket.terminate();
  });

  it('takes no new sockets while it serves the last requests', async () => {
    const instance = await app.instance({ SHUTDOWN_PROPAGATION_MS: '2000' });
    const ada = await app.person('ada');
    const client = await instance.connect(ada);
    const stopping = instance.service.stop('test');
    // Gateways have not noticed yet: it still lets people in.
    const late = await instance.connect(ada);
    await client.closed;
    await expect(
      askForUpgrade(`${instance.url}/ws`, { authorization: `Bearer ${ada.token}` }),
    ).rejects.toThrow(/ECONNREFUSED|ECONNRESET|hang up/);
    expect((await late.closed).code).toBe(1012);
    expect((await stopping).ok).toBe(true);
  });

  it('leaves nobody online', async () => {
    const instance = await app.instance();
    const ada = await app.person('ada');
    await instance.connect(ada);
    await instance.service.stop('test');
    expect(await app.redis.exists(`realtime:presence:${ada.id}`)).toBe(0);
  });
});
