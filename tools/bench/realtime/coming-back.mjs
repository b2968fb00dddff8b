/** Clients that lose their process and come to another: whether they are told everything, how fast, and at what cost. */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { withServices } from './service-stage.mjs';

const missedByEach = 3;
const publishEveryMs = 50;

/** A process is killed; each of its clients misses some events, and comes to another at once. */
export function measureCrash(count) {
  return withReturning({ people: count }, async ({ startService, clients, stage, tokens }) => {
    const first = await startService();
    const second = await startService();
    await clients.ask('open', { ports: [first.hello.port], count, tokens, channel: 'user:me' });
    await clients.ask('goTo', { ports: [second.hello.port] });
    const before = await statements(second);
    const begun = performance.now();
    await first.kill();
    const published = stage.ask('publishToEverybody', { count: missedByEach });
    await clients.ask('allBack', { handshakes: count });
    const backSeconds = (performance.now() - begun) / 1000;
    await published;
    await clients.ask('allAt', { offset: missedByEach });
    const allSeconds = (performance.now() - begun) / 1000;
    const asked = (await statements(second)) - before;
    const told = await clients.ask('account');
    console.log(`\n${count.toLocaleString('en')} clients of a process that is killed`);
    console.log(
      `  back after ${backSeconds.toFixed(1)} s, with all that they had missed after ${allSeconds.toFixed(1)} s`,
    );
    console.log(`  ${account(told)}, ${asked} statements of PostgreSQL`);
    demandNothingMissed(told);
  });
}

/** Two processes are replaced one after the other while events go on. */
export function measureRollout(count) {
  const channel = `post:${randomUUID()}`;
  return withReturning(
    { people: Math.ceil(count / 10) },
    async ({ startService, clients, stage, tokens }) => {
      const running = [await startService(), await startService()];
      const ports = () => running.map(({ hello }) => hello.port);
      await clients.ask('open', { ports: ports(), count, tokens, channel });
      const publisher = new Publisher(stage, channel);
      for (const old of [...running]) {
        const fresh = await startService();
        running.splice(running.indexOf(old), 1, fresh);
        await clients.ask('goTo', { ports: ports() });
        await old.ask('end');
        await clients.ask('allBack');
      }
      const published = await publisher.stop();
      await clients.ask('allAt', { offset: published });
      const told = await clients.ask('account');
      console.log(`\nTwo processes replaced one after the other, ${count.toLocaleString('en')} clients`);
      console.log(`  ${published} events, ${account(told)}`);
      const { handshakes, mean, peak } = told;
      console.log(
        `  ${handshakes} handshakes; of the larger crowd ${mean.toFixed(0)} in a second, at most ${peak}: ` +
          `${(peak / mean).toFixed(1)} times as many`,
      );
      demandNothingMissed(told);
    },
  );
}

function withReturning(options, work) {
  return withServices({ ...options, clients: 'returning-clients' }, work);
}

class Publisher {
  #stopping = false;
  #running;

  constructor(stage, channel) {
    this.#running = this.#publish(stage, channel);
  }

  /** Resolves with how many there were. */
  stop() {
    this.#stopping = true;
    return this.#running;
  }

  async #publish(stage, channel) {
    let count = 0;
    for (; !this.#stopping; count += 1) {
      await stage.ask('publish', { channel, count: 1 });
      await delay(publishEveryMs);
    }
    return count;
  }
}

/** All that the process has asked PostgreSQL but for the checks of its health. */
async function statements({ hello: { opsPort } }) {
  const text = await (await fetch(`http://127.0.0.1:${opsPort}/metrics`)).text();
  const counts = text.matchAll(/^db_query_duration_seconds_count(\{.*\}) (\d+)$/gm);
  return [...counts].reduce(
    (sum, [, labels, count]) => (labels.includes('operation="ping"') ? sum : sum + Number(count)),
    0,
  );
}

function account({ events, lost, gaps, twice }) {
  return `${events.toLocaleString('en')} events received, ${lost} lost, ${gaps} gaps, ${twice} twice`;
}

function demandNothingMissed({ lost, gaps, twice }) {
  if (lost + gaps + twice > 0) throw new Error('Clients have missed events, or were told of some twice');
}
