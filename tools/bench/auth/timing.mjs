/** npm run check:timing — whether the time of an answer tells if somebody has an account. */
import { execFile } from 'node:child_process';
import path from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { onCore, startServer } from '../server-process.mjs';
import { median } from '../table.mjs';
import { onStage, otherCore, outdir, serviceCommand, serviceCore } from './stage.mjs';

const { values } = parseArgs({
  options: { help: { type: 'boolean' }, tries: { type: 'string', default: '2000' } },
});
if (values.help) {
  console.log(`npm run check:timing [-- --tries 2000]

Signs in with a wrong password, asks for a reset and signs up, with addresses that have an account and as many that have
none, interleaved at random, and looks whether a classifier on the time of the answer does better than a coin. Fails
where the area under its curve is not between 0.45 and 0.55. Takes a few minutes.`);
  process.exit(0);
}

const run = promisify(execFile);
const [lowest, highest] = [0.45, 0.55];

await onStage(['timing-client'], async (env) => {
  const service = await startServer({ args: serviceCommand, env }, serviceCore);
  try {
    console.log(`Asking ${values.tries} times each\n`);
    const client = [path.join(outdir, 'timing-client.js'), `http://127.0.0.1:${service.port}`, values.tries];
    const [command, args] = onCore(otherCore, process.execPath, client);
    report(JSON.parse((await run(command, args, { maxBuffer: 64 * 2 ** 20 })).stdout));
  } finally {
    await service.stop();
  }
});

function report(results) {
  console.log('asked for  tries  median, there  median, not there  area under the curve');
  for (const [what, tries] of Object.entries(results)) {
    const there = tries.filter(({ exists }) => exists).map(({ ms }) => ms);
    const absent = tries.filter(({ exists }) => !exists).map(({ ms }) => ms);
    const area = areaUnderCurve(there, absent);
    const tells = area < lowest || area > highest;
    if (tells) process.exitCode = 1;
    console.log(
      `${what.padEnd(9)}  ${String(tries.length).padStart(5)}  ${median(there).toFixed(3).padStart(10)} ms  ${median(absent).toFixed(3).padStart(14)} ms  ${area.toFixed(3)}${tells ? '  TELLS' : ''}`,
    );
  }
  console.log(
    `\n0.5 is a coin; ${lowest}–${highest} is allowed. ${process.exitCode ? 'The time tells who has an account.' : 'The time tells nothing.'}`,
  );
}

/** How often an answer about somebody who is there takes longer than one about somebody who is not (Mann–Whitney). */
function areaUnderCurve(there, absent) {
  const all = [
    ...there.map((ms) => ({ ms, exists: true })),
    ...absent.map((ms) => ({ ms, exists: false })),
  ].sort((a, b) => a.ms - b.ms);
  let rankSum = 0;
  for (let start = 0; start < all.length;) {
    let end = start;
    while (end < all.length && all[end].ms === all[start].ms) end += 1;
    const rank = (start + 1 + end) / 2;
    for (let i = start; i < end; i += 1) if (all[i].exists) rankSum += rank;
    start = end;
  }
  return (rankSum - (there.length * (there.length + 1)) / 2) / (there.length * absent.length);
}
