/** `npm run reset`: removes what `npm start` keeps. */
import fs from 'node:fs';
import { ClearError, failureLine } from '../native/clear-error.mjs';
import { outsideFolder } from '../native/postgres-user.mjs';
import { dataDir, shownPath } from '../native/workspace.mjs';
import { postgresFolder } from './server-units.mjs';
import { runningState } from './state-file.mjs';

const usage = `npm run reset

Removes the data of npm start: databases, pictures, secrets, certificates and logs. Refuses while npm start runs.`;

function reset() {
  const running = runningState();
  if (running) {
    throw new ClearError(`Rostrum is running, as process ${running.pid}.`, 'Stop it with Ctrl-C first.');
  }
  const folders = [dataDir, outsideFolder(postgresFolder)].filter((folder) => fs.existsSync(folder));
  for (const folder of folders) {
    fs.rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
    process.stdout.write(`Removed ${shownPath(folder)}\n`);
  }
  if (folders.length === 0) process.stdout.write('There is nothing to remove.\n');
}

try {
  if (process.argv.includes('--help')) process.stdout.write(`${usage}\n`);
  else reset();
} catch (error) {
  process.stderr.write(`${failureLine(error)}\n`);
  process.exitCode = 1;
}
