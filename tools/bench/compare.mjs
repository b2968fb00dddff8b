/**
 * The harness of all benchmarks. Servers take turns, forwards then backwards, so that what changes on the machine
 * meanwhile meets all of them; each ratio is within one round, and the table shows medians and spread.
 */
import { loadTool, sendLoad } from './load.mjs';
import { hasTaskset, startServer } from './server-process.mjs';
import { median, printTable } from './table.mjs';

const serverCore = 0;
const loadCore = 1;
const warmUpSeconds = 4;

/**
 * `variants`: [{ name, args, env, path, headers, floor? }]; the one with `floor: true` is what ratios are to.
 * Resolves with a row per variant.
 */
export async function compare({ title, variants, rounds = 5, seconds = 4, connections = 50 }) {
  const tool = await loadTool();
  console.log(
    `${title}\n${rounds} rounds of ${seconds} s each, ${connections} connections, load by ${tool}, ${place()}, Node ${process.version}\n`,
  );
  const samples = new Map(variants.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    const order = round % 2 === 0 ? variants : [...variants].reverse();
    for (const variant of order) {
      progress(`round ${round + 1} of ${rounds}: ${variant.name}`);
      samples.get(variant.name).push(await measure(tool, variant, { seconds, connections }));
    }
  }
  progress('');
  const floor = samples.get(variants.find((variant) => variant.floor).name);
  const rows = variants.map(({ name }) => summarise(name, samples.get(name), floor));
  printTable(rows);
  const failures = rows.reduce((sum, row) => sum + row.failures, 0);
  if (failures > 0) throw new Error(`${failures} requests failed: the figures mean nothing`);
  return rows;
}

async function measure(tool, { args, env, path, headers }, { seconds, connections }) {
  const server = await startServer({ args, env }, serverCore);
  try {
    const target = { url: `http://127.0.0.1:${server.port}${path}`, headers, connections };
    // Until the compiler has seen it all, a server with more code looks slower than it is.
    await sendLoad(tool, { ...target, seconds: warmUpSeconds }, loadCore);
    const before = server.cpuSeconds();
    const result = await sendLoad(tool, { ...target, seconds }, loadCore);
    return { ...result, cpuMicros: ((server.cpuSeconds() - before) * 1e6) / result.requests };
  } finally {
    await server.stop();
  }
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
    failures: results.reduce((sum, result) => sum + result.failures, 0),
  };
}

function place() {
  return hasTaskset()
    ? `server on core ${serverCore}, load on core ${loadCore}`
    : 'cores not pinned (no taskset)';
}

/** One line that replaces itself; nothing where nobody watches. */
function progress(text) {
  if (process.stdout.isTTY) process.stdout.write(`\r\u001b[K${text}`);
}
