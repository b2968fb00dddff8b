import path from 'node:path';
import { runGroup } from '../native/run-group.mjs';
import { workspaceRoot } from '../native/workspace.mjs';

/** Every file is as the formatter would write it. Resolves to the failure, if any. */
export function checkFormat(signal) {
  const prettier = path.join(workspaceRoot, 'node_modules/prettier/bin/prettier.cjs');
  const cache = path.join(workspaceRoot, 'node_modules/.cache/prettier/checked');
  const args = [
    prettier,
    '--check',
    '--log-level=warn',
    '--cache',
    '--cache-strategy=content',
    `--cache-location=${cache}`,
    '.',
  ];
  return check('formatting', args, { signal, mend: 'npx prettier --write .' });
}

/** The lint rules still bite: known-bad imports are reported. */
export function checkLintCanary(signal) {
  return check('lint canary', [path.join(workspaceRoot, 'tools/lint/check-canary.mjs')], { signal });
}

async function check(what, args, { signal, mend }) {
  const began = performance.now();
  const { code, lines } = await runGroup(process.execPath, args, { cwd: workspaceRoot, signal });
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  process.stdout.write(`${code === 0 ? '✔' : '✖'}  ${what} (${seconds} s)\n`);
  if (code === 0) return undefined;
  process.stdout.write(`${lines.join('\n')}\n`);
  return mend ? `${what} (mend with ${mend})` : what;
}
