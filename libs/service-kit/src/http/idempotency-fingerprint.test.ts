import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { fingerprintOf } from './idempotency-fingerprint';

const request = { method: 'post', path: '/api/v1/posts', params: undefined, query: {}, body: undefined };
const of = (body: unknown) => fingerprintOf({ ...request, body }).toString('hex');

/** The same value, with the fields of all objects the other way round. */
function turned(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(turned);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, inner]) => [key, turned(inner)]),
  );
}

/** As it comes over the wire. */
const json = fc.json().map((text) => JSON.parse(text) as unknown);

describe('the fingerprint of a request', () => {
  it('does not know the order of fields', () => {
    fc.assert(fc.property(json, (body) => expect(of(turned(body))).toBe(of(body))));
  });

  it('is what it was in earlier versions: requests are repeated across a rollout', () => {
    expect(of({ text: 'a', media: [{ z: 1, a: [null, { c: 2, b: 'é' }] }] })).toBe(
      '230a021bd0efd79a48500fef42816c3233ba0b5f1e8e1196165b7a92a371ffaf',
    );
  });

  it('knows every value from every other', () => {
    fc.assert(
      fc.property(json, json, (one, other) => {
        expect(of(one) === of(other)).toBe(isDeepStrictEqual(one, other));
      }),
    );
  });

  it.each([
    ['the method', { method: 'put' }],
    ['the route', { path: '/api/v1/users/:username/follow' }],
    ['a parameter', { params: { username: 'ada' } }],
    ['the query', { query: { to: 'ada' } }],
    ['the order of a list', { body: [2, 1] }],
  ])('knows %s', (_what, other) => {
    const one = { ...request, body: [1, 2] };
    expect(fingerprintOf({ ...one, ...other })).not.toEqual(fingerprintOf(one));
  });
});
