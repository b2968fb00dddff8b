import fs from 'node:fs';
import path from 'node:path';
import { commandLineOf, killGroup } from '../native/child-process.mjs';
import { ClearError } from '../native/clear-error.mjs';
import { waitUntil } from '../native/wait-until.mjs';
import { dataDir } from '../native/workspace.mjs';

const stateFile = path.join(dataDir, 'run/state.json');
const supervisorScript = 'tools/start/main.mjs';
const leftoverLimitMs = 15_000;

/** What runs, as its supervisor last wrote it; undefined where nothing was started or all was stopped. */
export function readState() {
  try {
    return JSON.parse(fs.readFileSync(stateFile, 'utf8'));
  } catch {
    return undefined;
  }
}

/** The running supervisor's state, if there is one. A pid alone proves nothing: it may have a new owner. */
export function runningState() {
  const state = readState();
  return state && commandLineOf(state.pid)?.includes(supervisorScript) ? state : undefined;
}

/**
 * Makes this process the one supervisor of the data folder. `onLeftovers(names)` is told when a supervisor that was
 * killed left processes behind; they are ended first.
 */
export async function claimState(onLeftovers) {
  const running = runningState();
  if (running) {
    const where = running.url ? ` (${running.url})` : '';
    throw new ClearError(
      `Rostrum is already running${where}, as process ${running.pid}.`,
      'Stop that one with Ctrl-C in its terminal, or set PORTS=free and ROSTRUM_DATA_DIR for a second one.',
    );
  }
  await endLeftovers(readState()?.children ?? [], onLeftovers);
  fs.mkdirSync(path.dirname(stateFile), { recursive: true });
  fs.rmSync(stateFile, { force: true });
  const state = { pid: process.pid, startedAt: new Date().toISOString(), children: [] };
  try {
    fs.writeFileSync(stateFile, JSON.stringify(state), { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
    throw new ClearError('Another npm start has begun at this moment.', 'Wait for it, or stop it first.');
  }
  return {
    update(changes) {
      Object.assign(state, changes);
      const draft = `${stateFile}.${process.pid}`;
      fs.writeFileSync(draft, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 });
      fs.renameSync(draft, stateFile);
    },
    release: () => fs.rmSync(stateFile, { force: true }),
  };
}

async function endLeftovers(children, onLeftovers) {
  const isLeft = ({ pid, match }) => Boolean(commandLineOf(pid)?.includes(match));
  const left = children.filter(isLeft);
  if (left.length === 0) return;
  onLeftovers(left.map(({ name }) => name));
  // What was started last goes first, so that services let go of their databases.
  for (const child of left.toReversed()) killGroup(child.pid, child.signal);
  const gone = () => !left.some(isLeft);
  await waitUntil(gone, { timeoutMs: leftoverLimitMs }).catch(() => {
    for (const child of left.filter(isLeft)) killGroup(child.pid, 'SIGKILL');
  });
}
