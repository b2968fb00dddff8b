import { userAgentFamily } from './client-facts';

it.each([
  ['Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36', 'Mozilla/5.0'],
  ['curl/8.5.0', 'curl/8.5.0'],
  ['node', 'other'],
  ['Bearer abc.def', 'other'],
  ['secret-1234567890abcdef', 'other'],
  ['a'.repeat(5000), undefined],
  [undefined, undefined],
])('%.60j is logged as %j', (userAgent, family) => {
  expect(userAgentFamily(userAgent)).toBe(family);
});
