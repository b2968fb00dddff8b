import fs from 'node:fs';
import path from 'node:path';
import { workspaceRoot } from '../native/workspace.mjs';

/** All projects that have tests, `{ name, folder }`; `only` names some of them by their folder's last segment. */
export function projectsWithTests(only) {
  const { workspaces } = JSON.parse(fs.readFileSync(path.join(workspaceRoot, 'package.json'), 'utf8'));
  const folders = workspaces.flatMap((pattern) => fs.globSync(pattern, { cwd: workspaceRoot })).sort();
  return folders
    .map(readProject)
    .filter((project) => project && (!only || only.includes(path.basename(project.folder))));
}

function readProject(folder) {
  const file = path.join(workspaceRoot, folder, 'package.json');
  if (!fs.existsSync(file)) return undefined;
  const { name, nx } = JSON.parse(fs.readFileSync(file, 'utf8'));
  return nx?.targets?.test ? { name, folder } : undefined;
}

/** Adds up what each project's run left behind. A project without a result counts as one failure. */
export function collectTotals(resultsDir, projects) {
  const rows = projects.map((project) => ({
    ...project,
    ...readResult(path.join(resultsDir, `${project.folder}.json`)),
  }));
  const sum = (name) => rows.reduce((total, row) => total + row[name], 0);
  return { projects: rows, passed: sum('passed'), failed: sum('failed'), skipped: sum('skipped') };
}

function readResult(file) {
  try {
    const { passed, failed, skipped } = JSON.parse(fs.readFileSync(file, 'utf8'));
    if (passed + failed + skipped > 0) return { passed, failed, skipped };
  } catch {
    // The run died before it could say how it went, or never began.
  }
  return { passed: 0, failed: 1, skipped: 0, missing: true };
}

/** Failed tasks that no test's failure accounts for: lint, types, builds, and a test run that failed as a whole. */
export function otherFailures(tasks, { projects }) {
  const counted = new Set(projects.filter(({ failed }) => failed > 0).map(({ name }) => `${name}:test`));
  return tasks.map(({ project, target }) => `${project}:${target}`).filter((task) => !counted.has(task));
}

export function totalsLine({ passed, failed, skipped }) {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}
