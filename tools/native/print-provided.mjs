import { failureLine } from './clear-error.mjs';

/** Makes a module that provides a tool into a command: the path goes to standard output, progress beside it. */
export async function printProvided(meta, provide) {
  if (!meta.main) return;
  if (process.argv.includes('--help')) {
    process.stdout.write('Prints the path of the tool, and gets the tool first where it is missing.\n');
    return;
  }
  try {
    const provided = await provide({ report: (line) => process.stderr.write(`${line}\n`) });
    process.stdout.write(`${provided.command ?? provided}\n`);
  } catch (error) {
    process.stderr.write(`${failureLine(error)}\n`);
    process.exitCode = 1;
  }
}
