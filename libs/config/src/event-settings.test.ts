import { ConfigError, describeConfig, eventSettings, readConfig, type Environment } from './index';

function problemsOf(environment: Environment): readonly string[] {
  try {
    readConfig(eventSettings, environment);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

const nats = { EVENT_BUS: 'nats', NATS_URL: 'nats://user:secret-word@a:4222,nats://b:4222' };

it.each<[string, Environment, object]>([
  ['nothing', {}, { kind: 'redis' }],
  ['Redis', { EVENT_BUS: 'redis' }, { kind: 'redis' }],
  [
    'a cluster of NATS',
    { ...nats, NATS_REPLICAS: '3' },
    { kind: 'nats', servers: ['nats://user:secret-word@a:4222', 'nats://b:4222'], replicas: 3 },
  ],
])('the bus is as it is asked for: %s', (_, environment, expected) => {
  expect(readConfig(eventSettings, environment).eventBusConnection).toEqual(expected);
});

it.each<[string, Environment]>([
  ['NATS without its address', { EVENT_BUS: 'nats' }],
  ['the address of a bus that is not in use', { NATS_URL: 'nats://a:4222' }],
  ['an unknown bus', { EVENT_BUS: 'kafka' }],
  ['an address of something else', { EVENT_BUS: 'nats', NATS_URL: 'http://a' }],
  ['no time to make losses good', { EVENT_RETENTION_SECONDS: '1' }],
])('what does not go together is refused: %s', (_, environment) => {
  expect(problemsOf(environment).length).toBeGreaterThan(0);
});

it('the password in the address is shown nowhere', () => {
  const lines = describeConfig(eventSettings, readConfig(eventSettings, nats)).join();
  expect(lines).toContain('NATS_URL');
  expect(lines).not.toContain('secret-word');
});
