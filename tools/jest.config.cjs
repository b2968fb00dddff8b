const preset = require('./jest/preset.cjs');

// These tests start what they need themselves, by the doors that users have: commands.
module.exports = preset(__dirname, {
  testMatch: ['<rootDir>/**/*.test.ts'],
  globalSetup: undefined,
  globalTeardown: undefined,
  testTimeout: 120_000,
});
