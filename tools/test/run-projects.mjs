import path from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { runGroup } from '../native/run-group.mjs';
import { workspaceRoot } from '../native/workspace.mjs';
import { withoutPackageManager } from '../start/service-environment.mjs';

const targets = ['lint', 'typecheck', 'test', 'build'];
const failedTask = /^- (?<project>\S+):(?<target>[a-z-]+)$/;

/**
 * Runs the targets of the projects, changed ones anew and others from Nx's cache. Resolves to the tasks that failed,
 * `{ project, target }`.
 */
export async function runProjects({ projects, cache, env, signal }) {
  const nx = path.join(workspaceRoot, 'node_modules/nx/dist/bin/nx.js');
  const args = [nx, 'run-many', '-t', ...targets, '--parallel=2', ...(cache ? [] : ['--skip-nx-cache'])];
  if (projects) args.push('-p', ...projects);
  const failed = [];
  const onLine = (line) => {
    process.stdout.write(`${line}\n`);
    const task = failedTask.exec(stripVTControlCharacters(line).trim())?.groups;
    if (task && targets.includes(task.target)) failed.push(task);
  };
  const { code } = await runGroup(process.execPath, args, {
    cwd: workspaceRoot,
    env: { ...nxEnvironment(), ...env },
    signal,
    onLine,
    // Nx ends its tasks when it is interrupted; killed outright it would leave them behind.
    abortSignal: 'SIGINT',
  });
  if (code !== 0 && failed.length === 0) failed.push({ project: 'nx', target: `run-many (code ${code})` });
  return failed;
}

function nxEnvironment() {
  // Nx would switch colours on for its tasks whatever the output is.
  const colour = process.stdout.isTTY && !process.env.CI ? '1' : '0';
  return { ...withoutPackageManager(process.env), FORCE_COLOR: colour, NX_DAEMON: 'false', NX_TUI: 'false' };
}
