import {
  changesNoTable,
  endsTransaction,
  isConcurrent,
  mayRunTwice,
  tableOfAllRows,
} from '../sql-statements';
import type { Judged, Rule } from '../rule';

/** With a longer wait, the traffic that queues up behind the migration would be noticed. */
const longestLockTimeoutMs = 2_000;

function lockedTables({ statement, existed }: Judged): string[] {
  return Object.keys(statement.locked).flatMap((oid) => existed.relations[oid]?.name ?? []);
}

const lockTimeout: Rule = {
  name: 'lock-timeout',
  instead: 'leave lock_timeout to the migrator, which tries again',
  check: (judged) => {
    const { lockTimeoutMs } = judged.statement;
    if (!judged.transactional || (lockTimeoutMs > 0 && lockTimeoutMs <= longestLockTimeoutMs)) return [];
    const wait = lockTimeoutMs === 0 ? 'for ever' : `${lockTimeoutMs} ms`;
    return lockedTables(judged).map((table) => `it may wait ${wait} for ${table}, and everybody behind it`);
  },
};

const scanUnderLock: Rule = {
  name: 'scan-under-lock',
  instead: 'do it in a migration after this one, which holds no such lock',
  check: (judged) => {
    const { statement, existed, transactional } = judged;
    const tables = transactional ? lockedTables(judged) : [];
    const read = statement.scanned.flatMap((oid) => existed.relations[oid]?.name ?? []);
    if (tables.length === 0) return [];
    return read.map((name) => `${name} is read through while others are shut out of ${tables.join(', ')}`);
  },
};

const allRows: Rule = {
  name: 'all-rows',
  instead: 'go through the rows in batches, in a migration with config.transaction false',
  check: ({ statement, existed }) =>
    statement.parsed
      .flatMap((parsed) => tableOfAllRows(parsed) ?? [])
      .filter((table) => Object.values(existed.relations).some(({ name }) => name === table))
      .map((table) => `every row of ${table} is locked at once, until all of them are done`),
};

const transactionControl: Rule = {
  name: 'transaction-control',
  instead:
    'leave begin and commit to the migrator; where there must be no transaction, say config.transaction false',
  check: ({ statement, transactional }) =>
    transactional && statement.parsed.some(endsTransaction)
      ? ['it ends the transaction that keeps it from being half-done']
      : [],
};

const onlyConcurrent: Rule = {
  name: 'outside-transaction',
  instead: 'do in a transaction what can be done in one, in a migration of its own',
  check: ({ statement, transactional }) =>
    transactional || statement.parsed.every((parsed) => isConcurrent(parsed) || changesNoTable(parsed))
      ? []
      : ['it changes tables without a transaction: interrupted, it would stay half-done'],
};

const mayRunAgain: Rule = {
  name: 'not-repeatable',
  instead: 'say "if not exists", or "if exists": the migrator removes what is unfinished before each attempt',
  check: ({ statement, transactional }) =>
    transactional || statement.parsed.every((parsed) => !isConcurrent(parsed) || mayRunTwice(parsed))
      ? []
      : ['a second attempt would fail at what the first has done'],
};

export const transactionRules = [
  lockTimeout,
  scanUnderLock,
  allRows,
  transactionControl,
  onlyConcurrent,
  mayRunAgain,
];
