export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

const count = (value) => Math.round(value).toLocaleString('en');
const barWidth = 24;

/** One row a server: median and spread, the ratio to the floor as a number and as a bar. */
export function printTable(rows) {
  const widest = Math.max(...rows.map((row) => row.ratio));
  const cells = rows.map((row) => [
    row.name,
    count(row.rps),
    `${count(row.lowest)}–${count(row.highest)}`,
    row.ratio.toFixed(2),
    `${row.lowestRatio.toFixed(2)}–${row.highestRatio.toFixed(2)}`,
    row.cpuMicros.toFixed(1),
    row.p99.toFixed(1),
    '█'.repeat(Math.max(1, Math.round((row.ratio / widest) * barWidth))),
  ]);
  const head = ['variant', 'req/s', 'min–max', 'ratio', 'min–max', 'CPU µs/req', 'p99 ms', ''];
  const widths = head.map((title, column) =>
    Math.max(title.length, ...cells.map((row) => row[column].length)),
  );
  const line = (row) =>
    row
      .map((cell, column) =>
        column === 0 || column === 7 ? cell.padEnd(widths[column]) : cell.padStart(widths[column]),
      )
      .join('  ');
  console.log(line(head));
  console.log(widths.map((width) => '─'.repeat(width)).join('  '));
  for (const row of cells) console.log(line(row).trimEnd());
}
