const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

/** A temporary folder of this run's own, for its tests and all that they start. */
exports.makeTemporaryFolder = function makeTemporaryFolder() {
  const before = process.env.TMPDIR;
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'rostrum-tests-'));
  process.env.TMPDIR = folder;
  return {
    /** Removes it, and tells of what tests have left in it: each should have removed its own. */
    remove() {
      const left = fs.readdirSync(folder);
      if (left.length > 0) process.stderr.write(`Tests have left behind: ${left.join(', ')}\n`);
      fs.rmSync(folder, { recursive: true, force: true });
      if (before === undefined) delete process.env.TMPDIR;
      else process.env.TMPDIR = before;
    },
  };
};
