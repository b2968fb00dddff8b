import { inspect } from 'node:util';
import fc from 'fast-check';
import { redactValue } from './redact-value';

const CANARY = 'c4n4ryS3cret9';
class Holder {
  readonly kind = 'holder';
}

const text = (value: unknown) => JSON.stringify(redactValue(value));

const secretKeys = [
  ...[
    'password',
    'Password',
    'PASSWORD',
    'user_password',
    'userPassword',
    'user-password',
    'pass',
    'pwd',
    'DB_PASS',
  ],
  ...[
    'secret',
    'clientSecret',
    'token',
    'access_token',
    'refreshToken',
    'x-auth-token',
    'idToken',
    'Authorization',
  ],
  ...['proxy-authorization', 'cookie', 'Cookie', 'set-cookie', 'apiKey', 'api_key', 'API-KEY', 'x-api-key'],
  ...[
    'privateKey',
    'private_key',
    'otp',
    'totpCode',
    'code_verifier',
    'codeVerifier',
    'csrf',
    'csrfToken',
    'session',
  ],
  ...[
    'sessionId',
    'credentials',
    'email',
    'emailAddress',
    'sid',
    'jwt',
    'signingKey',
    'passphrase',
    'recoveryCodes',
  ],
];

describe('redactValue', () => {
  test.each(secretKeys)('hides what is called %s', (key) => {
    expect(text({ [key]: CANARY })).not.toContain(CANARY);
    expect(text({ [key]: [CANARY] })).not.toContain(CANARY);
    expect(text({ [key]: { value: CANARY } })).not.toContain(CANARY);
    expect(text(new Map([[key, CANARY]]))).not.toContain(CANARY);
  });

  test('hides numbers, but keeps flags and measures', () => {
    expect(
      redactValue({ otp: 123456, emailVerified: true, token_count: 3, password: null, tokenTtlSeconds: 9 }),
    ).toEqual({
      otp: '[redacted]',
      emailVerified: true,
      token_count: 3,
      password: null,
      tokenTtlSeconds: 9,
    });
  });

  test.each(['bypass', 'compass', 'passed', 'author', 'keyboard', 'inside', 'postId', 'cacheKey', 'topic'])(
    'keeps what is called %s',
    (key) => {
      expect(redactValue({ [key]: 'plain' })).toEqual({ [key]: 'plain' });
    },
  );

  test('finds secrets in records that name their field beside it', () => {
    expect(text({ name: 'authorization', value: CANARY })).not.toContain(CANARY);
    expect(text(['password', CANARY])).not.toContain(CANARY);
    expect(text(['Host', 'x', 'Authorization', CANARY, 'Accept', '*/*'])).toBe(
      '["Host","x","Authorization","[redacted]","Accept","*/*"]',
    );
    expect(text(new Headers({ cookie: CANARY, accept: 'text/plain' }))).toBe(
      '{"accept":"text/plain","cookie":"[redacted]"}',
    );
    expect(text(new URL(`https://x.example/?token=${CANARY}`))).not.toContain(CANARY);
    expect(text(new URLSearchParams({ password: CANARY }))).not.toContain(CANARY);
  });

  test('cuts circles, depth, lists and long text', () => {
    const circle: Record<string, unknown> = { name: 'a' };
    circle.self = circle;
    expect(redactValue(circle)).toEqual({ name: 'a', self: '[circular]' });
    const twice = { a: 1 };
    expect(redactValue([twice, twice])).toEqual([{ a: 1 }, { a: 1 }]);
    let deep: unknown = CANARY;
    for (let level = 0; level < 100; level++) deep = { deep };
    expect(text(deep)).toContain('[omitted]');
    expect((redactValue(Array.from({ length: 5000 }, (_, at) => at)) as unknown[]).length).toBe(101);
    const wide = Object.fromEntries(
      Array.from({ length: 300 }, (_, at) => [`k${at}`, Array.from({ length: 100 }, () => 'x'.repeat(1000))]),
    );
    expect(text(wide).length).toBeLessThan(400_000);
  });

  test('survives getters, proxies and toJSON that throw', () => {
    const hostile = {
      get bad(): string {
        throw new Error(CANARY);
      },
      good: 1,
      proxy: new Proxy(
        {},
        {
          ownKeys() {
            throw new Error(CANARY);
          },
        },
      ),
      json: {
        toJSON() {
          throw new Error(CANARY);
        },
      },
    };
    expect(redactValue(hostile)).toEqual({
      bad: '[unreadable]',
      good: 1,
      proxy: '[unreadable]',
      json: '[unreadable]',
    });
  });

  test('does not change what it is given, and takes __proto__ for a key', () => {
    const given = Object.freeze({ password: CANARY, nested: Object.freeze({ token: CANARY }) });
    redactValue(given);
    expect(given.nested.token).toBe(CANARY);
    const safe = redactValue(JSON.parse(`{"__proto__":{"token":"${CANARY}","a":1}}`)) as object;
    expect(Object.getPrototypeOf(safe)).toBeNull();
    expect(JSON.stringify(safe)).toBe('{"__proto__":{"token":"[redacted]","a":1}}');
  });

  test('shows errors with type, code, message, stack and cause', () => {
    class LoginError extends Error {
      readonly code = 'login.refused';
      readonly attempts = 3;
      readonly password = CANARY;
    }
    const error = new LoginError(`password=${CANARY} refused`, {
      cause: new AggregateError([new Error(`Bearer ${CANARY}`)], `for ${CANARY}@example.com`),
    });
    const safe = redactValue(error) as Record<string, unknown>;
    expect(inspect(safe, { depth: 20 })).not.toContain(CANARY);
    expect(safe).toMatchObject({
      type: 'LoginError',
      code: 'login.refused',
      message: 'password=[redacted] refused',
      stack: expect.stringContaining('redact-value.test'),
      details: { attempts: 3, password: '[redacted]' },
      cause: { type: 'AggregateError', errors: [{ type: 'Error', message: 'Bearer [redacted]' }] },
    });
  });

  test('values of all kinds become plain', () => {
    expect(
      redactValue({
        date: new Date(0),
        big: 10n,
        set: new Set([1]),
        buffer: Buffer.from(CANARY),
        fn: () => CANARY,
        symbol: Symbol('s'),
        nan: Number.NaN,
        regexp: /a/g,
        none: undefined,
      }),
    ).toEqual({
      date: '1970-01-01T00:00:00.000Z',
      big: '10',
      set: [1],
      buffer: '[Buffer of 13 bytes]',
      fn: '[function]',
      symbol: 'Symbol(s)',
      nan: 'NaN',
      regexp: '/a/g',
      none: undefined,
    });
  });

  test('a canary under a secret name comes out of no structure', () => {
    const key = fc.constantFrom(...secretKeys);
    const leaf = fc.oneof(fc.anything({ withMap: true, withSet: true, withDate: true }), fc.string());
    const holder = fc.oneof(
      key.map((name) => ({ [name]: CANARY })),
      key.map((name) => new Map([[name, CANARY]])),
      key.map((name) => Object.assign(new Holder(), { [name]: CANARY })),
      key.map((name) => Object.assign(new Error('failed'), { [name]: CANARY })),
      fc.constant(new Error(`token=${CANARY}`)),
      fc.constant(`https://bob:${CANARY}@example.com/`),
      fc.constant(`Cookie: sid=${CANARY}`),
      key.map((name) => JSON.stringify({ [name]: CANARY })),
    );
    const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
      tree: fc.oneof(
        { depthSize: 'small', withCrossShrink: true },
        holder,
        fc.array(tie('tree'), { maxLength: 3 }),
        fc.tuple(leaf, tie('tree')).map(([other, inner]) => ({ other, inner })),
        tie('tree').map((inner) => new Set([inner])),
        tie('tree').map((inner) => new Error('outer', { cause: inner })),
      ),
    }));
    fc.assert(
      fc.property(tree, (value) => {
        expect(
          inspect(redactValue(value), { depth: 30, maxArrayLength: null, maxStringLength: null }),
        ).not.toContain(CANARY);
      }),
      { numRuns: 1000 },
    );
  });
});
