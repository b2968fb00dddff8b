import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { ended } from '../native/child-process.mjs';
import { ClearError } from '../native/clear-error.mjs';
import { dataDir, workspaceRoot } from '../native/workspace.mjs';
import { onStopRequest } from '../start/stop-requests.mjs';
import { withoutPackageManager } from '../start/service-environment.mjs';
import { withBuiltMigrations } from './build-migrations.mjs';

const say = (line) => process.stdout.write(`${line}\n`);

/**
 * Runs the tests of services as they were at an earlier commit, code and tests, on the schema that the migrations of
 * today make. `only` picks test files by a part of their name. Resolves to the exit code.
 */
export async function testOldVersion(services, { base, only }) {
  const stop = new AbortController();
  onStopRequest(() => stop.abort(new ClearError('Interrupted.')));
  const commit = git('rev-parse', '--verify', '--quiet', `${base ?? lastBefore()}^{commit}`);
  say(`The services as of ${git('log', '-1', '--format=%h (%s)', commit)}, on the schemas of today:`);
  return withBuiltMigrations(services, (built) =>
    withOldTree(commit, async (tree) => {
      let code = 0;
      for (const service of services) {
        if (!fs.existsSync(path.join(tree, 'apps', service, 'src'))) {
          say(`${service}: did not exist then`);
          continue;
        }
        replaceMigrations(path.join(tree, 'apps', service), path.join(built, service, 'migrations'));
        const outcome = await runTests({ tree, service, only, signal: stop.signal });
        stop.signal.throwIfAborted();
        say(`${service}: ${outcome === 0 ? 'works' : 'does NOT work'} on the schema of today`);
        code ||= outcome;
      }
      return code;
    }),
  );
}

/** The commit before the last one that changed a migration: what ran when that migration was about to be. */
function lastBefore() {
  return `${git('log', '-1', '--format=%H', '--', 'apps/*/migrations/*')}^`;
}

function git(...args) {
  try {
    return execFileSync('git', args, {
      cwd: workspaceRoot,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    }).trim();
  } catch (error) {
    const said = error.stderr?.trim() || `there is no such commit (git ${args.join(' ')})`;
    throw new ClearError(`git: ${said}.`, 'Name a commit that is here with --base.', { cause: error });
  }
}

/** A checkout beside this one, with the packages of this one. */
async function withOldTree(commit, use) {
  fs.mkdirSync(dataDir, { recursive: true });
  const tree = fs.mkdtempSync(path.join(dataDir, 'old-version-'));
  git('worktree', 'add', '--detach', '--force', tree, commit);
  try {
    linkPackages(tree);
    return await use(tree);
  } finally {
    git('worktree', 'remove', '--force', tree);
  }
}

/** Packages of others are those of today; the workspace's own are the old tree's. */
function linkPackages(tree) {
  const [from, to] = [path.join(workspaceRoot, 'node_modules'), path.join(tree, 'node_modules')];
  fs.mkdirSync(path.join(to, '@rostrum'), { recursive: true });
  for (const name of fs.readdirSync(from).filter((each) => each !== '@rostrum')) {
    fs.symlinkSync(path.join(from, name), path.join(to, name));
  }
  for (const folder of ['apps', 'libs', 'tools']) {
    const projects = folder === 'tools' ? ['.'] : fs.readdirSync(path.join(tree, folder));
    for (const project of projects) linkProject(to, path.join(tree, folder, project));
  }
}

function linkProject(packages, project) {
  const manifest = path.join(project, 'package.json');
  if (!fs.existsSync(manifest)) return;
  fs.symlinkSync(project, path.join(packages, JSON.parse(fs.readFileSync(manifest, 'utf8')).name));
}

function replaceMigrations(app, built) {
  const folder = path.join(app, 'migrations');
  fs.rmSync(folder, { recursive: true, force: true });
  fs.cpSync(built, folder, { recursive: true });
}

async function runTests({ tree, service, only, signal }) {
  const app = path.join(tree, 'apps', service);
  const jest = path.join(tree, 'node_modules/jest/bin/jest.js');
  const config = path.join(app, 'jest.config.cjs');
  const args = [jest, ...(only ? [only] : []), '--config', config, '--passWithNoTests'];
  // What they say of the old migrations is no longer of interest.
  const about = testsAboutMigrations(path.join(app, 'tests')).map((file) => `/${file}$`);
  const child = spawn(process.execPath, [...args, ...ignoring(about)], {
    cwd: tree,
    env: { ...withoutPackageManager(process.env), ...testServers() },
    stdio: ['ignore', 'inherit', 'inherit'],
    detached: true,
  });
  const interrupt = () => process.kill(-child.pid, 'SIGINT');
  signal.addEventListener('abort', interrupt, { once: true });
  const { code } = await ended(child);
  signal.removeEventListener('abort', interrupt);
  return code ?? 1;
}

function testsAboutMigrations(folder) {
  if (!fs.existsSync(folder)) return [];
  return fs
    .readdirSync(folder)
    .filter((file) => file.endsWith('.test.ts'))
    .filter((file) => {
      const text = fs.readFileSync(path.join(folder, file), 'utf8');
      return /from '\.\.\/migrations\/|schema-checks'/.test(text);
    });
}

function ignoring(patterns) {
  return patterns.flatMap((pattern) => ['--testPathIgnorePatterns', pattern.replaceAll('.', '\\.')]);
}

/** withoutPackageManager leaves them out, as no service should see them. */
function testServers() {
  const { TEST_POSTGRES_URL, TEST_REDIS_URL } = process.env;
  return { ...(TEST_POSTGRES_URL && { TEST_POSTGRES_URL }), ...(TEST_REDIS_URL && { TEST_REDIS_URL }) };
}
