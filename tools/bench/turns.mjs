/**
 * Variants take turns, forwards then backwards, so that what changes on the machine meanwhile meets all of them.
 */
import { median } from './table.mjs';

/** Resolves with the samples of each name, one a round: what `measure(name, round)` gives, which has `rps` at least. */
export async function takeTurns({ names, rounds, measure }) {
  const samples = new Map(names.map((name) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    const order = round % 2 === 0 ? names : [...names].reverse();
    for (const name of order) {
      progress(`round ${round + 1} of ${rounds}: ${name}`);
      samples.get(name).push(await measure(name, round));
    }
  }
  progress('');
  return samples;
}

/** A row of the table for each name. Each ratio is to the floor of the same round. */
export function summariseTurns(samples, floorName) {
  const floor = samples.get(floorName);
  return [...samples].map(([name, results]) => summarise(name, results, floor));
}

function summarise(name, results, floor) {
  const rps = results.map((result) => result.rps);
  const ratios = results.map((result, round) => result.rps / floor[round].rps);
  return {
    name,
    rps: median(rps),
    lowest: Math.min(...rps),
    highest: Math.max(...rps),
    ratio: median(ratios),
    lowestRatio: Math.min(...ratios),
    highestRatio: Math.max(...ratios),
    cpuMicros: median(results.map((result) => result.cpuMicros)),
    p99: median(results.map((result) => result.p99)),
    failures: results.reduce((sum, result) => sum + (result.failures ?? 0), 0),
  };
}

/** One line that replaces itself; nothing where nobody watches. */
function progress(text) {
  if (process.stdout.isTTY) process.stdout.write(`\r\u001b[K${text}`);
}
