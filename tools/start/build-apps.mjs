import fs from 'node:fs';
import path from 'node:path';
import { ClearError } from '../native/clear-error.mjs';
import { runGroup } from '../native/run-group.mjs';
import { workspaceRoot } from '../native/workspace.mjs';
import { withoutPackageManager } from './service-environment.mjs';

/** What `--no-build` relies on. */
export function checkBuilt(services) {
  const folders = ['dist/libs/data-access', ...services.map((service) => `dist/apps/${service}`)];
  const missing = folders.filter((folder) => !fs.existsSync(path.join(workspaceRoot, folder)));
  if (missing.length === 0) return;
  throw new ClearError(`${missing.join(', ')} is not built yet.`, 'Leave out --no-build once.');
}

const what = 'tag:type:app,@rostrum/data-access';

/** Builds what runs; unchanged projects come from Nx's cache. Quiet unless it fails. */
export async function buildApps({ progress, signal }) {
  const nx = path.join(workspaceRoot, 'node_modules/nx/dist/bin/nx.js');
  const env = {
    ...withoutPackageManager(process.env),
    NX_DAEMON: 'false',
    NX_TUI: 'false',
    FORCE_COLOR: '0',
  };
  const args = [nx, 'run-many', '-t', 'build', '-p', what, '--outputStyle=static'];
  const { code, lines } = await runGroup(process.execPath, args, {
    cwd: workspaceRoot,
    env,
    signal,
    keep: 60,
  });
  if (code === 0) return;
  progress.say(lines.filter((line) => line.trim() !== '').join('\n'));
  throw new ClearError('The services could not be built.', 'What the build said is above.');
}
