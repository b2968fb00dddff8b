import type { Column } from '../catalog';
import { added, existingTables, kept, removed, type Judged, type Rule } from '../rule';

/** For each table that was there before: its columns before and after the statement. */
function columnsOf(judged: Judged, judge: (before: Columns, after: Columns) => Column[]): string[] {
  const { before, after } = judged.statement;
  return existingTables(judged).flatMap(({ oid, name }) =>
    judge(before.columns[oid] ?? {}, after.columns[oid] ?? {}).map((column) => `${name}.${column.name}`),
  );
}

type Columns = Record<string, Column>;

const addNotNullColumn: Rule = {
  name: 'add-not-null-column',
  instead:
    'give it a default, or add it without "not null" and set that once every row and every writer has a value',
  check: (judged) =>
    columnsOf(judged, (before, after) =>
      added(before, after).filter(({ notNull, filled }) => notNull && !filled),
    ).map((column) => `${column} is new and may not be empty, but what runs now does not fill it`),
};

const setNotNull: Rule = {
  name: 'set-not-null',
  instead:
    'add a check (… is not null) not valid, validate it in a migration after that, and set "not null" in a third: it then needs no look at the rows',
  check: (judged) =>
    columnsOf(judged, (before, after) =>
      kept(before, after).flatMap(([was, is]) => (!was.notNull && is.notNull ? [is] : [])),
    )
      .filter(() => judged.statement.scanned.length > 0)
      .map(
        (column) =>
          `${column} becomes "not null", and every row is looked at while nobody can read the table`,
      ),
};

/** More room of the same kind: no row is touched, and what fitted still fits. */
function isWidened(was: string, is: string): boolean {
  const [from, to] = [roomOf(was), roomOf(is)];
  return from !== undefined && to !== undefined && to >= from;
}

function roomOf(type: string): number | undefined {
  if (type === 'text' || type === 'character varying') return Infinity;
  const length = /^character varying\((\d+)\)$/.exec(type)?.[1];
  return length === undefined ? undefined : Number(length);
}

const changeType: Rule = {
  name: 'change-type',
  instead:
    'add a column of the new type, write both, fill the old rows in batches, read the new one, then drop the old one',
  check: (judged) =>
    columnsOf(judged, (before, after) =>
      kept(before, after).flatMap(([was, is]) =>
        was.type !== is.type && !isWidened(was.type, is.type) ? [is] : [],
      ),
    ).map((column) => `${column} changes its type under what runs now`),
};

const dropDefault: Rule = {
  name: 'drop-default',
  instead: 'keep it until nothing that runs leaves the column out, and then say so with config.contract',
  check: (judged) =>
    judged.config.contract
      ? []
      : columnsOf(judged, (before, after) =>
          kept(before, after).flatMap(([was, is]) => (was.filled && !is.filled && is.notNull ? [is] : [])),
        ).map((column) => `${column} may not be empty, and loses what filled it`),
};

const dropColumn: Rule = {
  name: 'drop-column',
  instead: 'stop using it first; once that is released, drop it in a migration with config.contract',
  check: (judged) =>
    judged.config.contract
      ? []
      : columnsOf(judged, removed).map((column) => `${column} is dropped under what runs now`),
};

const renameColumn: Rule = {
  name: 'rename-column',
  instead: 'add a column of the new name, write both, fill the old rows in batches, then drop the old one',
  check: ({ statement, existed, ...judged }) =>
    columnsOf({ statement, existed, ...judged }, (before, after) =>
      kept(before, after).flatMap(([was, is]) => (was.name === is.name ? [] : [was])),
    ).map((column) => `${column} is renamed under what runs now`),
};

export const columnRules = [addNotNullColumn, setNotNull, changeType, dropDefault, dropColumn, renameColumn];
