module.exports = async function globalTeardown() {
  await globalThis.rostrumTestServers?.stop();
  globalThis.rostrumTemporaryFolder?.remove();
};
