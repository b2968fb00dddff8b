/** A setting that the test run's global set-up provides. */
export function testSetting(name: 'TEST_POSTGRES_URL' | 'TEST_REDIS_URL'): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: run tests through the workspace's jest preset`);
  return value;
}
