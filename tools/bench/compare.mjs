/** Compares servers: each gets a core of its own in turn, the load the other; the table shows medians and spread. */
import { loadTool, sendLoad } from './load.mjs';
import { hasTaskset, startServer } from './server-process.mjs';
import { printTable } from './table.mjs';
import { summariseTurns, takeTurns } from './turns.mjs';

const serverCore = 0;
const loadCore = 1;
const usualWarmUpSeconds = 4;

/**
 * `variants`: [{ name, args, env, path, headers, script?, warmUpSeconds?, prepare?, lookAt?, floor? }]; the one with
 * `floor: true` is what ratios are to. `prepare` is called before the server of a measurement is started, `lookAt` with
 * the server after it.
 * Resolves with a row per variant.
 */
export async function compare({ title, variants, rounds = 5, seconds = 4, connections = 50 }) {
  const tool = await loadTool();
  console.log(
    `${title}\n${rounds} rounds of ${seconds} s each, ${connections} connections, load by ${tool}, ${place()}, Node ${process.version}\n`,
  );
  const samples = await takeTurns({
    names: variants.map(({ name }) => name),
    rounds,
    measure: (name) =>
      measure(
        tool,
        variants.find((variant) => variant.name === name),
        { seconds, connections },
      ),
  });
  const rows = summariseTurns(samples, variants.find((variant) => variant.floor).name);
  printTable(rows);
  const failures = rows.reduce((sum, row) => sum + row.failures, 0);
  if (failures > 0) throw new Error(`${failures} requests failed: the figures mean nothing`);
  return rows;
}

async function measure(tool, variant, { seconds, connections }) {
  const { args, env, path, headers, script, prepare, lookAt } = variant;
  const { warmUpSeconds = usualWarmUpSeconds } = variant;
  await prepare?.();
  const server = await startServer({ args, env }, serverCore);
  try {
    const target = { url: `http://127.0.0.1:${server.port}${path}`, headers, script, connections };
    // Until the compiler has seen it all, a server with more code looks slower than it is.
    await sendLoad(tool, { ...target, seconds: warmUpSeconds }, loadCore);
    const before = server.cpuSeconds();
    const result = await sendLoad(tool, { ...target, seconds }, loadCore);
    const cpuMicros = ((server.cpuSeconds() - before) * 1e6) / result.requests;
    await lookAt?.(server);
    return { ...result, cpuMicros };
  } finally {
    await server.stop();
  }
}

function place() {
  return hasTaskset()
    ? `server on core ${serverCore}, load on core ${loadCore}`
    : 'cores not pinned (no taskset)';
}
