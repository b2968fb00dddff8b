import fs from 'node:fs';
import { parseEnv } from 'node:util';
import { ClearError } from '../native/clear-error.mjs';

const line = /^(?:export\s+)?[A-Za-z_][A-Za-z0-9_]*\s*=\s*(?:"[^"]*"|'[^']*'|[^"'\s][^"']*|)\s*(?:#.*)?$/;

/** The overrides in a `.env` file; none where there is no file. Every bad line is named. */
export function readDotEnv(file) {
  if (!fs.existsSync(file)) return {};
  const text = fs.readFileSync(file, 'utf8');
  const bad = text
    .split('\n')
    .map((content, index) => ({ content: content.trim(), number: index + 1 }))
    .filter(({ content }) => content !== '' && !content.startsWith('#') && !line.test(content))
    .map(({ number }) => number);
  if (bad.length > 0) {
    const which = `${bad.length > 1 ? 'lines' : 'line'} ${bad.join(', ')}`;
    throw new ClearError(
      `${file}: ${which} cannot be read.`,
      'Each line must be NAME=value, a comment or blank.',
    );
  }
  return parseEnv(text);
}
