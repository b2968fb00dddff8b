import { waitFor } from '@rostrum/testing';
import type { ServiceProcess } from './service-process';
import { signUp, startSystem, type Person, type System } from './system';

const rollouts = 20;
const connections = 6;

let system: System;
let ada: Person;

beforeAll(async () => {
  system = await startSystem({ instances: { posts: 2 } });
  ada = await signUp(system);
}, 90_000);

afterAll(() => system?.stop(), 60_000);

/** Asks without pause over keep-alive connections, reads and writes, and keeps account of every answer. */
class SteadyLoad {
  answered = 0;
  readonly failures: string[] = [];
  readonly written: string[] = [];
  private stopping = false;
  private readonly clients = Array.from({ length: connections }, (_, index) => this.run(index));

  async stop(): Promise<void> {
    this.stopping = true;
    await Promise.all(this.clients);
  }

  private async run(client: number): Promise<void> {
    for (let turn = 0; !this.stopping; turn += 1) {
      try {
        await (turn % 10 === 0 ? this.write(`${client} ${turn}`) : this.read());
        this.answered += 1;
      } catch (error) {
        const { message, cause } = error as Error;
        this.failures.push(`${message}: ${String((cause as Error | undefined)?.message)}`);
      }
    }
  }

  private async read(): Promise<void> {
    const response = await system.ask('/api/v1/feed?limit=1', { headers: ada.headers });
    await response.arrayBuffer();
    if (response.status !== 200) this.failures.push(`read ${response.status}`);
  }

  private async write(text: string): Promise<void> {
    const body = JSON.stringify({ text });
    const response = await system.ask('/api/v1/posts', { method: 'POST', headers: ada.headers, body });
    const { id } = (await response.json()) as { id: string };
    if (response.status === 201) this.written.push(id);
    else this.failures.push(`write ${response.status}`);
  }
}

/** A rollout goes on to the next instance once the gateway sends requests to this one again. */
async function untilGatewaySees(instance: ServiceProcess): Promise<void> {
  const up = new RegExp(
    `traefik_service_server_up\\{[^}]*url="${instance.url.replaceAll('.', '\\.')}"[^}]*\\} 1`,
  );
  await waitFor(
    async () => up.test(await (await fetch(new URL('/metrics', system.gateway.internalUrl))).text()),
    {
      what: `the gateway to see ${instance.url}`,
      timeoutMs: 20_000,
    },
  );
}

it(`${rollouts} rolling restarts under steady load fail no request and lose no write`, async () => {
  const load = new SteadyLoad();
  const codes = new Set<unknown>();
  for (let rollout = 0; rollout < rollouts; rollout += 1) {
    for (const instance of system.mains.posts) {
      codes.add(await instance.stop('SIGTERM'));
      await instance.start();
      await untilGatewaySees(instance);
    }
  }
  await load.stop();
  expect(load.failures).toEqual([]);
  expect([...codes]).toEqual([0]);
  expect(load.answered).toBeGreaterThan(rollouts * connections);
  for (const id of [load.written[0], load.written.at(-1)]) {
    expect((await system.ask(`/api/v1/posts/${id}`, { headers: ada.headers })).status).toBe(200);
  }
}, 360_000);
