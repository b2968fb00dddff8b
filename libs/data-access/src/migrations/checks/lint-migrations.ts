import { isError, isSqlError } from '../../postgres/sql-state';
import { MigrationSession } from '../migration-session';
import { loadMigrations, type MigrationLocation, type NamedMigration } from '../migration-source';
import { limitsOf } from '../run-migration';
import { describeSchema, readCatalog } from './catalog';
import { observe, type ObservedStatement } from './observe';
import type { Judged, Rule } from './rule';
import { columnRules } from './rules/columns';
import { indexAndConstraintRules } from './rules/indexes-and-constraints';
import { objectRules } from './rules/objects';
import { transactionRules } from './rules/transactions';
import { loadParser } from './sql-statements';

export type LintOptions = MigrationLocation & { schema: string };

export interface Finding {
  migration: string;
  rule: string;
  /** What is wrong, and what to do instead. */
  message: string;
  /** The beginning of the statement, where one is to blame. */
  statement?: string;
}

/** The first to complain about a statement is the one that says most: the last ones are nets. */
const rules: readonly Rule[] = [
  ...columnRules,
  ...objectRules,
  ...indexAndConstraintRules,
  ...transactionRules,
];

/** What a rule may be exempt from, by name: for the documentation, and for typing errors. */
export const lintRules: readonly Pick<Rule, 'name' | 'instead'>[] = rules;

const lockTimeoutMs = 500;

/**
 * Runs migrations one after the other on an empty schema of a scratch database, as its owner, and says which of their
 * statements could hurt a service that goes on running beside them. Each is also taken back, and run once more.
 */
export async function lintMigrations(url: string, options: LintOptions): Promise<Finding[]> {
  const { schema } = options;
  await loadParser();
  const migrations = await loadMigrations(options);
  const session = await MigrationSession.open(url, schema);
  const findings: Finding[] = [];
  try {
    for (const named of migrations) {
      const found = await lintOne(session, named, schema);
      findings.push(...found);
      // What comes after it could not be judged.
      if (found.some(({ rule }) => rule === 'fails')) break;
    }
    return findings;
  } finally {
    await session.close();
  }
}

async function lintOne(session: MigrationSession, named: NamedMigration, schema: string): Promise<Finding[]> {
  const { name, migration } = named;
  const config = migration.config ?? {};
  const transactional = config.transaction ?? true;
  const existed = await readCatalog(session, schema);
  const linesBefore = await describeSchema(session, schema);
  const { statements, intercept } = observe(session, schema, { transactional });
  await session.prepare(limitsOf(named, lockTimeoutMs));
  const failed = await attempt(() => run(session, named, { direction: 'up', intercept }));
  const findings = statements.flatMap((statement) =>
    judge({ statement, existed, config, transactional }).map((finding) => ({ migration: name, ...finding })),
  );
  const unexcused = [
    ...findings.filter(({ rule }) => !config.exempt?.[rule]),
    ...idleExemptions(named, findings),
  ];
  if (failed) return [...unexcused, { migration: name, rule: 'fails', message: failed }];
  const wayBack = await checkWayBack(session, named, { schema, linesBefore });
  return wayBack === undefined ? unexcused : [...unexcused, { migration: name, ...wayBack }];
}

function judge(judged: Judged): Omit<Finding, 'migration'>[] {
  const blamed = new Set<string>();
  return rules.flatMap(({ name, instead, check }) => {
    // A scan is only worth a word where no rule above has told why there is one.
    if (name === 'scan-under-lock' && blamed.size > 0) return [];
    const problems = check(judged);
    if (problems.length > 0) blamed.add(name);
    return problems.map((problem) => ({
      rule: name,
      message: `${problem}: ${instead}`,
      statement: beginningOf(judged.statement),
    }));
  });
}

function beginningOf({ text }: ObservedStatement): string {
  const line = text.replace(/\s+/g, ' ');
  return line.length > 100 ? `${line.slice(0, 99)}…` : line;
}

/** An exemption that excuses nothing is a mistake, or will be taken for one. */
function idleExemptions({ name, migration }: NamedMigration, findings: readonly Finding[]): Finding[] {
  return Object.entries(migration.config?.exempt ?? {}).flatMap(([rule, reason]) => {
    const broken = findings.some((finding) => finding.rule === rule);
    if (broken && reason.trim().length >= 10) return [];
    const message = broken ? `the exemption from ${rule} needs a reason` : `nothing here breaks ${rule}`;
    return [{ migration: name, rule: 'exemption', message }];
  });
}

interface Run {
  direction: 'up' | 'down';
  intercept?: Parameters<MigrationSession['run']>[0]['intercept'];
}

async function run(
  session: MigrationSession,
  { migration }: NamedMigration,
  { direction, intercept }: Run,
): Promise<void> {
  const work = migration[direction];
  if (!work) return;
  const transactional = migration.config?.transaction ?? true;
  if (!transactional) return session.run({ intercept }, async () => void (await work(session.knex)));
  await session.knex.transaction((trx) => session.run({ intercept }, async () => void (await work(trx))));
}

async function attempt(work: () => Promise<void>): Promise<string | undefined> {
  try {
    await work();
    return undefined;
  } catch (error) {
    if (isSqlError(error) && error.code === '25001') {
      return `${error.message}: say config.transaction false, in a migration that does nothing else`;
    }
    return isError(error) ? error.message : String(error);
  }
}

/** Down and up again must lead to the same schema; where there is no way back there is nothing to check. */
async function checkWayBack(
  session: MigrationSession,
  named: NamedMigration,
  { schema, linesBefore }: { schema: string; linesBefore: string[] },
): Promise<Omit<Finding, 'migration'> | undefined> {
  if (!named.migration.down) return undefined;
  const linesAfter = await describeSchema(session, schema);
  const failed = await attempt(() => run(session, named, { direction: 'down' }));
  if (failed) return { rule: 'fails', message: `down: ${failed}` };
  const difference = differenceOf(linesBefore, await describeSchema(session, schema));
  if (difference) return { rule: 'fails', message: `down does not undo what up does: ${difference}` };
  const again = await attempt(() => run(session, named, { direction: 'up' }));
  if (again) return { rule: 'fails', message: `up fails after down: ${again}` };
  const second = differenceOf(linesAfter, await describeSchema(session, schema));
  return second ? { rule: 'fails', message: `up does something else after down: ${second}` } : undefined;
}

function differenceOf(expected: string[], actual: string[]): string | undefined {
  const missing = expected.find((line) => !actual.includes(line));
  if (missing !== undefined) return `lacks ${missing}`;
  const extra = actual.find((line) => !expected.includes(line));
  return extra === undefined ? undefined : `leaves ${extra}`;
}
