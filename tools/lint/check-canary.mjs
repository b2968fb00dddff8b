/**
 * Lints files that break the rules and fails unless every break is reported: a rule that has stopped working, for
 * example because ESLint ran without the project graph, is as bad as the break.
 */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '../..');
const report = path.join(root, 'dist/lint-canary.json');

const expected = [
  ['boundaries.ts', '@nx/enforce-module-boundaries', 'service-kit'],
  ['boundaries.ts', '@nx/enforce-module-boundaries', 'pg'],
  ['boundaries.ts', '@nx/enforce-module-boundaries', 'apps/auth'],
  ['suffixes.ts', 'no-restricted-imports', 'express'],
  ['suffixes.ts', 'no-restricted-imports', 'knex'],
  ['suffixes.ts', 'no-restricted-imports', '@rostrum/testing'],
  ['suffixes.ts', 'no-restricted-properties', 'process.env'],
];

if (process.argv.includes('--help')) {
  console.log(
    'node tools/lint/check-canary.mjs: fails unless the known-bad imports in tools/lint/canary are reported.',
  );
  process.exit(0);
}

fs.rmSync(report, { force: true });
const nx = path.join(root, 'node_modules/nx/dist/bin/nx.js');
const env = { ...process.env, NX_DAEMON: 'false', NX_TUI: 'false' };
const run = spawnSync(process.execPath, [nx, 'run', 'lint-canary:sing'], {
  cwd: root,
  env,
  encoding: 'utf8',
});
if (!fs.existsSync(report)) {
  console.error(`The lint canary did not run:\n${run.stdout}${run.stderr}`);
  process.exit(1);
}

const found = JSON.parse(fs.readFileSync(report, 'utf8')).flatMap(({ filePath, messages, source }) => {
  const lines = (source ?? '').split('\n');
  return messages.map(({ ruleId, line, message }) => ({
    filePath,
    ruleId,
    text: `${lines[line - 1]} ${message}`,
  }));
});
const silent = expected.filter(
  ([file, rule, text]) =>
    !found.some((hit) => hit.filePath.endsWith(file) && hit.ruleId === rule && hit.text.includes(text)),
);
for (const [file, rule, text] of silent) {
  console.error(
    `The lint canary is silent: ${rule} did not report "${text}" in tools/lint/canary/…/${file}.`,
  );
}
if (silent.length === 0)
  console.log(`The lint canary sings: ${expected.length} known-bad lines are reported.`);
process.exitCode = silent.length > 0 ? 1 : 0;
