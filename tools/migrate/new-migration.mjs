import fs from 'node:fs';
import path from 'node:path';
import { ClearError } from '../native/clear-error.mjs';
import { shownPath, workspaceRoot } from '../native/workspace.mjs';

const template = `import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(\`\`);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw(\`\`);
}
`;

/** Writes an empty migration. It comes after all others, also those that a clock elsewhere has dated later. */
export function newMigration(service, name, { now = new Date(), folder = folderOf(service) } = {}) {
  if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name)) {
    throw new ClearError(`"${name}" is no name for a migration.`, 'Say what it does, as in add-language.');
  }
  const latest = fs
    .readdirSync(folder)
    .map((file) => /^(\d{14})-/.exec(file)?.[1] ?? '')
    .reduce((last, date) => (date > last ? date : last), '');
  const stamp = now.toISOString().replace(/\D/g, '').slice(0, 14);
  const date = stamp > latest ? stamp : String(BigInt(latest) + 100n);
  const file = path.join(folder, `${date}-${name}.ts`);
  fs.writeFileSync(file, template, { flag: 'wx' });
  process.stdout.write(`${shownPath(file)}\n`);
  return 0;
}

function folderOf(service) {
  return path.join(workspaceRoot, 'apps', service, 'migrations');
}
