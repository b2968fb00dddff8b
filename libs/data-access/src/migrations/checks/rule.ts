import type { MigrationConfig } from '../migration-source';
import type { Catalog } from './catalog';
import type { ObservedStatement } from './observe';

/** What a rule judges: one statement of a migration, and what was there before the migration began. */
export interface Judged {
  statement: ObservedStatement;
  /** Tables made by the migration itself hold no rows, and nobody uses them: with them anything goes. */
  existed: Catalog;
  config: MigrationConfig;
  transactional: boolean;
}

export interface Rule {
  name: string;
  /** What to do instead. */
  instead: string;
  /** What is wrong, once for each time. */
  check(judged: Judged): string[];
}

/** The tables of before, as they are after the statement. */
export function existingTables({ statement, existed }: Judged): { oid: string; name: string }[] {
  return Object.entries(existed.relations)
    .filter(([oid]) => statement.after.relations[oid])
    .map(([oid, { name }]) => ({ oid, name }));
}

/** Keys that the second has and the first has not. */
export function added<T>(before: Record<string, T>, after: Record<string, T>): T[] {
  return Object.entries(after).flatMap(([key, value]) => (key in before ? [] : [value]));
}

/** Values of before whose keys are gone. */
export function removed<T>(before: Record<string, T>, after: Record<string, T>): T[] {
  return added(after, before);
}

/** Values that are there before and after. */
export function kept<T>(before: Record<string, T>, after: Record<string, T>): [T, T][] {
  return Object.entries(before).flatMap(([key, was]): [T, T][] => {
    const is = after[key];
    return is === undefined ? [] : [[was, is]];
  });
}
