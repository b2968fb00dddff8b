const widest = 46;

/** Tells what happens on standard output, one line per finished step, and how long it took. */
export function createProgress(write = (text) => process.stdout.write(text)) {
  const say = (line) => write(`${line}\n`);
  return {
    say,
    note: (line) => say(`  … ${line}`),
    warn: (line) => say(`  ! ${line}`),
    /** Runs one step. Its result may be told in the line: `done(result)`. */
    step: async (what, work, done = () => '') => {
      const began = performance.now();
      const result = await work();
      const seconds = `${((performance.now() - began) / 1000).toFixed(1)} s`;
      const told = [what, done(result)].filter(Boolean).join(': ');
      say(`  ✓ ${told.padEnd(widest)} ${seconds.padStart(8)}`);
      return result;
    },
  };
}
