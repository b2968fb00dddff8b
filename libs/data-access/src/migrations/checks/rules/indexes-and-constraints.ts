import { added, removed, type Judged, type Rule } from '../rule';

const byHand = `of its own, with config.transaction false`;

function onExisting<T extends { table: string }>({ existed }: Judged, things: T[]): T[] {
  return things.filter(({ table }) => table in existed.relations);
}

/** An index that takes over the rows of another, as a wider type lets it, costs nothing: nobody reads the table for it. */
const createIndex: Rule = {
  name: 'create-index',
  instead: `build it with "create index concurrently if not exists" in a migration ${byHand}; a constraint then takes it "using index"`,
  check: (judged) => {
    const { before, after, scanned } = judged.statement;
    if (!judged.transactional) return [];
    return onExisting(judged, added(before.indexes, after.indexes))
      .filter(({ table }) => scanned.includes(table))
      .map(({ name }) => `${name} is built while nobody can write to its table`);
  },
};

const dropIndex: Rule = {
  name: 'drop-index',
  instead: `use "drop index concurrently if exists" in a migration ${byHand}`,
  check: (judged) => {
    const { before, after } = judged.statement;
    if (!judged.transactional) return [];
    const stands = new Set(Object.values(after.indexes).map(({ name }) => name));
    return onExisting(judged, removed(before.indexes, after.indexes))
      .filter(
        ({ name, table }) => table in after.relations && !stands.has(name) && !wasConstraint(judged, name),
      )
      .map(({ name }) => `${name} is dropped under a lock on its table that shuts out everybody`);
  },
};

/** The index of a constraint goes with it, and there is no other way. */
function wasConstraint({ statement: { before } }: Judged, name: string): boolean {
  return Object.values(before.constraints).some((constraint) => constraint.name === name);
}

const checkedAtOnce: Rule = {
  name: 'constraint-checked-at-once',
  instead: 'add it "not valid", and validate it in a migration after that',
  check: (judged) => {
    const { before, after } = judged.statement;
    return onExisting(judged, added(before.constraints, after.constraints))
      .filter(({ kind, validated }) => (kind === 'c' || kind === 'f') && validated)
      .map(({ name }) => `${name} checks every row while nobody can write to its table`);
  },
};

export const indexAndConstraintRules = [createIndex, dropIndex, checkedAtOnce];
