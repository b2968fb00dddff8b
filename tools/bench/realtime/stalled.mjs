/** Clients that do not read, for a minute: what they cost the process is bounded. */
import { setTimeout as delay } from 'node:timers/promises';
import { withServices } from './service-stage.mjs';

/** As the service has it unless it is told otherwise. */
const boundBytes = 262_144;
/** It takes some seconds until what V8 has not collected yet is as much as it will be. */
const readingSeconds = 20;
/** The kernel takes some megabytes for each at first, more on some machines than on others. */
const stallSeconds = 30;
const patienceMs = 60_000;
const everyMs = 20;
const eventBytes = 65_536;
const mebibytes = (bytes) => (bytes / 2 ** 20).toFixed(1);

/**
 * So many are sent events of their own, which no two share, faster than any bound lets them wait. At first all of them
 * read: what it takes to serve them is no part of what it costs that they stop.
 */
export function measureStalled(count, seconds) {
  return withServices({ people: count, clients: 'stalled-clients' }, async (parts) => {
    const { startService, clients, stage, tokens } = parts;
    const server = await startService();
    await clients.ask('open', { port: server.hello.port, tokens });
    const load = new Load(stage, server);
    await delay(readingSeconds * 1000);
    const before = load.mostRss();
    const { read } = await clients.ask('read');
    const times = Math.ceil(seconds / stallSeconds);
    for (let time = 1; time <= times; time += 1) {
      await clients.ask('stall');
      await delay(stallSeconds * 1000);
      await allCutOff(server, time * count);
      await clients.ask('comeBack');
    }
    const more = load.mostRss() - before;
    await load.stop();
    const cutOff = await slowReaders(server);
    console.log(`\n${count} clients that do not read for ${seconds} s`);
    console.log(
      `  before, they had read ${read.toLocaleString('en')} events; then they were cut off ${cutOff} times`,
    );
    console.log(
      `  at most ${mebibytes(before)} MiB of RSS while they read, and ${mebibytes(more)} MiB more while they did not; ` +
        `their bound is ${mebibytes(count * boundBytes)} MiB`,
    );
    if (read === 0 || cutOff < count * times) throw new Error('They have not been as slow as they should');
    if (more > count * boundBytes) throw new Error('They cost more than their bound');
  });
}

/** Tells everybody something again and again, and looks at the server's memory. */
class Load {
  #most = 0;
  #stopping = false;
  #running;

  constructor(stage, server) {
    this.#running = this.#run(stage, server);
  }

  /** Since it was last asked for. */
  mostRss() {
    const most = this.#most;
    this.#most = 0;
    return most;
  }

  stop() {
    this.#stopping = true;
    return this.#running;
  }

  async #run(stage, server) {
    while (!this.#stopping) {
      await stage.ask('publishToEverybody', { count: 1, bytes: eventBytes });
      const { rss } = await server.ask('rssNow');
      this.#most = Math.max(this.#most, rss);
      await delay(everyMs);
    }
  }
}

/** All of them are to be, however long it takes to fill what the kernel has for them; gives up after a while. */
async function allCutOff(server, count) {
  const endsAt = performance.now() + patienceMs;
  while ((await slowReaders(server)) < count && performance.now() < endsAt) await delay(1000);
}

async function slowReaders({ hello: { opsPort } }) {
  const text = await (await fetch(`http://127.0.0.1:${opsPort}/metrics`)).text();
  return Number(/^websocket_closed_total\{.*reason="slow_reader".*\} (\d+)$/m.exec(text)?.[1]);
}
