// eslint-disable-next-line @nx/enforce-module-boundaries -- the test is about these names
import * as main from '@rostrum/observability';
import * as instrument from '@rostrum/observability/instrument';

test('the package has two entries, and loading them does nothing yet', () => {
  expect(Object.keys(instrument)).toEqual(['instrumentLibraries']);
  expect(Object.keys(main)).toEqual(
    expect.arrayContaining(['createLogger', 'createMetrics', 'startTracing', 'runWithContext', 'redactText']),
  );
  expect(process.listenerCount('exit')).toBe(0);
});
