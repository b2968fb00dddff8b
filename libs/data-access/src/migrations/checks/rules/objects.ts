import { existingTables, kept, removed, type Judged, type Rule } from '../rule';

const kinds: Record<string, string> = { v: 'view', m: 'view', S: 'sequence' };

/** What the migration itself has made, it may take away again. */
function lost<T>(judged: Judged, part: (catalog: Judged['existed']) => Record<string, T>): T[] {
  const { before, after } = judged.statement;
  const existed = part(judged.existed);
  const old = Object.fromEntries(Object.entries(part(before)).filter(([key]) => key in existed));
  return removed(old, part(after));
}

const drop: Rule = {
  name: 'drop',
  instead: 'stop using it first; once that is released, drop it in a migration with config.contract',
  check: (judged) => {
    if (judged.config.contract) return [];
    const names = [
      ...lost(judged, ({ relations }) => relations).map(
        ({ kind, name }) => `${kinds[kind] ?? 'table'} ${name}`,
      ),
      ...lost(judged, ({ functions }) => functions).map((name) => `function ${name}`),
      ...lost(judged, ({ types }) => types).map((name) => `type ${name}`),
    ];
    return names.map((name) => `${name} is dropped under what runs now`);
  },
};

const rename: Rule = {
  name: 'rename',
  instead: 'make the new one beside the old one, move over to it, then drop the old one',
  check: (judged) => {
    const { before, after } = judged.statement;
    const named = ({ relations }: Judged['existed']) =>
      Object.fromEntries(Object.entries(relations).map(([oid, { name }]) => [oid, name]));
    const parts = [
      named,
      ...(['types', 'functions', 'labels'] as const).map((part) => (c: Judged['existed']) => c[part]),
    ];
    return parts.flatMap((part) =>
      kept(part(before), part(after)).flatMap(([was, is]) =>
        was === is || !Object.values(part(judged.existed)).includes(was)
          ? []
          : [`${was} is renamed under what runs now`],
      ),
    );
  },
};

const rewrite: Rule = {
  name: 'rewrite',
  instead:
    'leave the rows where they are: add an empty column or table, and fill it in batches outside a transaction',
  check: (judged) => {
    const { before, after } = judged.statement;
    return existingTables(judged)
      .filter(
        ({ oid }) =>
          after.relations[oid]?.kind !== 'S' && before.relations[oid]?.file !== after.relations[oid]?.file,
      )
      .map(({ name }) => `every row of ${name} is written anew, or thrown away, while nobody can read it`);
  },
};

const revoke: Rule = {
  name: 'revoke',
  instead:
    'stop using the right first; once that is released, take it away in a migration with config.contract',
  check: (judged) => {
    const { before, after } = judged.statement;
    if (judged.config.contract) return [];
    return existingTables(judged).flatMap(({ oid, name }) => {
      const is = after.relations[oid]?.privileges ?? [];
      const gone = (before.relations[oid]?.privileges ?? []).filter((privilege) => !is.includes(privilege));
      return gone.length > 0 ? [`rights on ${name} are taken from what runs now`] : [];
    });
  },
};

export const objectRules = [drop, rename, rewrite, revoke];
