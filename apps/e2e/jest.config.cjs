// One after the other: each starts a whole system, and some of them measure what a busy machine would spoil.
module.exports = require('../../tools/jest/preset.cjs')(__dirname, { maxWorkers: 1 });
