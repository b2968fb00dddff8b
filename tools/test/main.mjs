/** `npm test`: everything that has to be right, over all projects; the last line has the totals. */
import fs from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { ClearError, failureLine } from '../native/clear-error.mjs';
import { provideTraefik } from '../native/traefik.mjs';
import { workspaceRoot } from '../native/workspace.mjs';
import { onStopRequest } from '../start/stop-requests.mjs';
import { checkFormat, checkLintCanary } from './checks.mjs';
import { runProjects } from './run-projects.mjs';
import { startTestServers } from './servers.mjs';
import { collectTotals, otherFailures, projectsWithTests, totalsLine } from './totals.mjs';

const usage = `npm test [-- options]

Lint, types, tests and builds of every project, the end-to-end tests, the lint canary and the formatting.

  --projects <names>   only these projects, by their folder's name (auth,posts), without canary and formatting
  --no-cache           runs also what has not changed since it last passed; so does CI=true
  --help               shows this

TEST_POSTGRES_URL and TEST_REDIS_URL take the place of the throw-away servers that are started otherwise.`;

const resultsDir = path.join(workspaceRoot, 'dist/test-results');
const say = (line) => process.stdout.write(`${line}\n`);

async function main({ projects, cache }, signal) {
  // Whatever an earlier run left must not count.
  fs.rmSync(resultsDir, { recursive: true, force: true });
  const servers = await startServers();
  try {
    const env = { TEST_POSTGRES_URL: servers.postgresUrl, TEST_REDIS_URL: servers.redisUrl };
    env.TRAEFIK_BIN = await provideTraefik({ report: (line) => say(`  … ${line}`), signal });
    const failures = projects ? [] : await runChecks(signal);
    const failedTasks = await runProjects({ projects, cache, env, signal });
    const totals = collectTotals(resultsDir, projectsWithTests(projects));
    failures.push(...otherFailures(failedTasks, totals));
    report(totals, failures);
    return { passed: totals.passed, failed: totals.failed + failures.length, skipped: totals.skipped };
  } finally {
    await servers.stop();
  }
}

async function startServers() {
  const given = { postgresUrl: process.env.TEST_POSTGRES_URL, redisUrl: process.env.TEST_REDIS_URL };
  const missing = [!given.postgresUrl && 'postgres', !given.redisUrl && 'redis'].filter(Boolean);
  if (missing.length === 0) return { ...given, stop: async () => {} };
  say(`Starting throw-away servers: ${missing.join(', ')}`);
  return { ...given, ...(await startTestServers(missing)) };
}

/** Cheap and independent of any project's result, so they come first. */
async function runChecks(signal) {
  const results = [await checkFormat(signal), await checkLintCanary(signal)];
  return results.filter(Boolean);
}

function report(totals, failures) {
  say('\nTests by project:');
  for (const { folder, passed, failed, skipped, missing } of totals.projects) {
    const counts = missing
      ? 'NO RESULT'
      : `${passed} passed, ${failed} failed${skipped ? `, ${skipped} skipped` : ''}`;
    say(`  ${folder.padEnd(22)} ${counts}`);
  }
  if (failures.length > 0) say(`\nFailed beside tests:\n${failures.map((what) => `  ${what}`).join('\n')}`);
}

function parseOptions() {
  const { values } = parseArgs({
    options: { projects: { type: 'string' }, 'no-cache': { type: 'boolean' }, help: { type: 'boolean' } },
  });
  const projects = values.projects?.split(',').map((name) => name.trim());
  return { help: values.help, projects, cache: !values['no-cache'] && !inCi };
}

const inCi = Boolean(process.env.CI);
const ciLimitMinutes = 25;
const stop = new AbortController();
if (inCi) {
  const overdue = () => stop.abort(new ClearError(`The run took longer than ${ciLimitMinutes} minutes.`));
  setTimeout(overdue, ciLimitMinutes * 60_000).unref();
}
onStopRequest((reason) => stop.abort(new ClearError(`Interrupted: ${reason}.`)));
let totals = { passed: 0, failed: 1, skipped: 0 };
let wanted = true;
try {
  const options = parseOptions();
  wanted = !options.help;
  if (wanted) totals = await main(options, stop.signal);
  else say(usage);
} catch (error) {
  process.stderr.write(`${failureLine(stop.signal.aborted ? stop.signal.reason : error)}\n`);
}
if (wanted) say(`\n${totalsLine(totals)}`);
const empty = totals.passed + totals.failed === 0;
process.exit(wanted && (totals.failed > 0 || empty) ? 1 : 0);
