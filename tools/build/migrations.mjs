import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';

/** The migrations of an app, as entries of its build. */
export function migrationEntries(folder) {
  if (!fs.existsSync(folder)) return [];
  return fs
    .readdirSync(folder)
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts') && !file.endsWith('.d.ts'))
    .map((file) => ({ out: `migrations/${path.parse(file).name}`, in: path.join(folder, file) }));
}

const migrationEntry = /^migrations\/(.+)$/;

/**
 * What each migration was written as, so that the migrator knows one that was edited after it had run: the bundle
 * changes with every library in it. libs/data-access reckons the same for migrations that are not built.
 */
export function checksumsOf(entries) {
  const sums = entries.flatMap(({ out, in: file }) => {
    const [, name] = migrationEntry.exec(out) ?? [];
    const words = name && fs.readFileSync(file, 'utf8').replace(/\s+/g, '');
    return name ? [[name, createHash('sha256').update(words).digest('hex').slice(0, 16)]] : [];
  });
  if (sums.length === 0) return {};
  return { 'migrations/checksums.json': `${JSON.stringify(Object.fromEntries(sums), null, 2)}\n` };
}
