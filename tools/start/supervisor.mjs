import { setTimeout as delay } from 'node:timers/promises';
import { isAlive, killGroup, tailOfFile } from '../native/child-process.mjs';
import { ClearError } from '../native/clear-error.mjs';
import { shownPath } from '../native/workspace.mjs';

const crashLoop = { deaths: 5, withinMs: 60_000 };
const backOff = { firstMs: 500, mostMs: 8000 };
const deathLines = 8;

/**
 * Keeps processes running. A unit is `{ name, logFile, match, stopSignal, start(), ready?(handle, signal) }`, where
 * `start` resolves to `{ pid, exited, stop() }` and `match` is a part of the command line that no other process has.
 */
export class Supervisor {
  #entries = new Map();
  #stopping = new AbortController();

  constructor({ state, progress, onCrashLoop }) {
    this.state = state;
    this.progress = progress;
    this.onCrashLoop = onCrashLoop;
  }

  /** Starts a unit for the first time; whatever goes wrong now is told to the caller. */
  async start(unit, signal) {
    signal.throwIfAborted();
    const entry = { unit, deaths: [], handle: await unit.start() };
    this.#entries.set(unit.name, entry);
    this.#record();
    const exited = this.#watch(entry);
    const first = await Promise.race([exited, Promise.resolve(unit.ready?.(entry.handle, signal))]);
    if (first) throw this.#firstDeath(unit, first);
    signal.throwIfAborted();
    exited.then((outcome) => this.#revive(entry, describe(outcome)));
  }

  /** Stops these units side by side; resolves to what is to be said of those that did not end well. */
  async stop(names) {
    this.#stopping.abort();
    const entries = names.map((name) => this.#entries.get(name)).filter(Boolean);
    const complaints = await Promise.all(entries.map((entry) => this.#stopEntry(entry)));
    for (const { unit } of entries) this.#entries.delete(unit.name);
    this.#record();
    return complaints.filter(Boolean);
  }

  async #stopEntry(entry) {
    await entry.reviving;
    const { unit, handle, down } = entry;
    const obeyed = await handle.stop();
    if (!obeyed)
      return `${unit.name} did not stop in time and was killed (its log is ${shownPath(unit.logFile)})`;
    const { code, signal } = await handle.exited;
    if (code === 0 || down) return undefined;
    const last = tailOfFile(unit.logFile, 1);
    return `${unit.name} stopped with ${describe({ code, signal })}: ${last}`;
  }

  get names() {
    return [...this.#entries.keys()];
  }

  /** Ends everything at once, for who has no patience left. */
  async kill() {
    this.#stopping.abort();
    const pids = [...this.#entries.values()].map(({ unit, handle }) => {
      // Killed outright, PostgreSQL would leave its shared memory behind.
      killGroup(handle.pid, unit.name === 'postgres' ? 'SIGQUIT' : 'SIGKILL');
      return handle.pid;
    });
    for (let round = 0; round < 40 && pids.some(isAlive); round += 1) await delay(50);
    for (const pid of pids) killGroup(pid, 'SIGKILL');
  }

  #firstDeath({ name, logFile }, outcome) {
    const said = tailOfFile(logFile, deathLines);
    if (said) this.progress.say(indent(said));
    return new ClearError(
      `${name} ended before it was ready (${describe(outcome)}).`,
      `Its log is ${shownPath(logFile)}.`,
    );
  }

  async #revive(entry, how) {
    if (this.#stopping.signal.aborted) return;
    entry.reviving = this.#bringBack(entry, how).catch((error) => {
      if (!this.#stopping.signal.aborted) this.onCrashLoop(error);
    });
    await entry.reviving;
  }

  async #bringBack(entry, how) {
    const { unit } = entry;
    for (let reason = how; ;) {
      this.#countDeath(entry, reason);
      const waitMs = Math.min(backOff.firstMs * 2 ** (entry.deaths.length - 1), backOff.mostMs);
      await delay(waitMs, undefined, { signal: this.#stopping.signal });
      try {
        entry.handle = await unit.start();
        break;
      } catch (error) {
        reason = error.message.split('\n')[0];
      }
    }
    this.#record();
    this.#watch(entry).then((outcome) => this.#revive(entry, describe(outcome)));
    this.#tellWhenBack(unit, entry.handle);
  }

  #watch(entry) {
    entry.down = false;
    return entry.handle.exited.then((outcome) => {
      entry.down = true;
      return outcome;
    });
  }

  #countDeath({ unit, deaths }, reason) {
    const now = Date.now();
    const recent = deaths.filter((at) => now - at < crashLoop.withinMs);
    deaths.splice(0, deaths.length, ...recent, now);
    this.progress.warn(`${unit.name} died (${reason}); its last lines, from ${shownPath(unit.logFile)}:`);
    this.progress.say(indent(tailOfFile(unit.logFile, deathLines)));
    if (deaths.length < crashLoop.deaths) return;
    throw new ClearError(
      `${unit.name} died ${deaths.length} times within ${crashLoop.withinMs / 1000} s; giving up.`,
      `Its log is ${shownPath(unit.logFile)}.`,
    );
  }

  async #tellWhenBack(unit, handle) {
    try {
      await unit.ready?.(handle, this.#stopping.signal);
      if (!this.#stopping.signal.aborted) this.progress.say(`  ✓ ${unit.name} is back`);
    } catch {
      // It died again, which is told on its own, or everything stops.
    }
  }

  #record() {
    const children = [...this.#entries.values()].map(({ unit, handle }) => ({
      name: unit.name,
      pid: handle.pid,
      match: unit.match,
      signal: unit.stopSignal,
    }));
    this.state.update({ children });
  }
}

function describe({ code, signal, error }) {
  return error?.message ?? (signal ? `signal ${signal}` : `code ${code}`);
}

function indent(text) {
  return text.replace(/^/gm, '    │ ');
}
