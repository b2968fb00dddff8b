import type { FoundLetter } from './dead-letters-command';

const columns: [title: string, value: (found: FoundLetter) => string][] = [
  ['ID', ({ letter }) => letter.id],
  ['FROM', ({ from }) => from],
  ['TYPE', ({ letter }) => letter.event?.type ?? '(no event)'],
  ['KEY', ({ letter }) => letter.event?.key ?? ''],
  ['REASON', ({ letter }) => letter.reason],
  ['TRIES', ({ letter }) => String(letter.attempts)],
  ['GIVEN UP AT', ({ letter }) => letter.buriedAt],
];

/** One line for the titles and one for each letter. What an event says is not shown: it may be about people. */
export function tableOf(found: readonly FoundLetter[]): string[] {
  const rows = [
    columns.map(([title]) => title),
    ...found.map((each) => columns.map(([, value]) => value(each))),
  ];
  const widths = columns.map((_, index) => Math.max(...rows.map((row) => row[index]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, index) => cell.padEnd(widths[index] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
