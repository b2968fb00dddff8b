import fc from 'fast-check';
import { isPlain, redactText } from './secret-text';

const CANARY = 'c4n4ryS3cret9';

const jwt = [{ alg: 'RS256' }, { sub: CANARY }]
  .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
  .concat('c2lnbmF0dXJl')
  .join('.');

describe('redactText', () => {
  test.each([
    ['a bearer token', `Authorization: Bearer ${CANARY}`],
    ['a bearer token in prose', `sent bearer ${CANARY} to the wrong host`],
    ['a cookie header', `Cookie: theme=dark; sid=${CANARY}; a=b`],
    ['a set-cookie header', `set-cookie: rt=${CANARY}; HttpOnly; Path=/`],
    ['a query', `GET /callback?state=1&access_token=${CANARY}&x=1`],
    ['a query with an encoded name', `GET /login?p%61ssword=${CANARY}`],
    ['a nested, encoded URL', `/go?to=https%3A%2F%2Fx.example%2F%3Ftoken%3D${CANARY}%26a%3D1`],
    ['a form', `user[password]=${CANARY}&user[name]=bob`],
    ['an encoded form', `user%5Bpassword%5D=${CANARY}`],
    ['JSON', `{"user":"bob","password":"${CANARY}","a":1}`],
    ['JSON with an escaped quote', `{"password":"x\\"${CANARY}","a":1}`],
    ['JSON in JSON', JSON.stringify({ body: JSON.stringify({ refreshToken: CANARY }) })],
    ['JSON in JSON in JSON', JSON.stringify(JSON.stringify({ a: JSON.stringify({ secret: CANARY }) }))],
    ['JSON with a list', `{"tokens": ["a", "${CANARY}"], "b": 1}`],
    ['an inspected object', `{ apiKey: '${CANARY}', ok: true }`],
    ['an inspected map', `Map(1) { 'client_secret' => '${CANARY}' }`],
    ['a database URL', `postgres://app:${CANARY}@db:5432/rostrum`],
    ['a mistyped database URL', `Invalid URL: redis://:p@ss/${CANARY}@redis:6379`],
    ['a web URL', `https://bob:${CANARY}@git.example/x.git`],
    ['a private key', `-----BEGIN PRIVATE KEY-----\nMIIE${CANARY}\n-----END PRIVATE KEY-----`],
    ['a private key that is cut', `-----BEGIN RSA PRIVATE KEY-----\nMIIE${CANARY}`],
    [
      'a private key in one line',
      `-----BEGIN EC PRIVATE KEY-----\\n${CANARY}\\n-----END EC PRIVATE KEY-----`,
    ],
    ['an e-mail address', `no such user ${CANARY}@example.com`],
    ['an encoded e-mail address', `/users/${CANARY}%40example.com`],
    ['an address with an apostrophe', `o'${CANARY}@example.co.uk`],
    ['an international address', `${CANARY}@münchen.example`],
    ['a unique violation', `Key (token_hash)=(${CANARY}) already exists.`],
    ['an API key in prose', `API key: ${CANARY}`],
    ['an environment', `DB_PASS=${CANARY} JWT_SIGNING_KEY=${CANARY}`],
    ['a template', `password: \`${CANARY}\``],
    ['a vendor token', `ghp_${CANARY}${CANARY}`],
  ])('takes %s out', (_what, text) => {
    const safe = redactText(text);
    expect(safe).not.toContain(CANARY);
    expect(redactText(safe)).toBe(safe);
  });

  test.each([
    'Listening on http://127.0.0.1:8081/api/v1',
    'SELECT id, body FROM posts WHERE id = $1 AND token = $2',
    'at PasswordHasher.hash (/srv/app/token.service.ts:10:5)',
    'TokenExpiredError: the key has changed',
    'express@5.3.0 and @rostrum/observability',
    'Basic rules apply to bearers',
    'GET /api/v1/posts/:id 200 in 3.2 ms, 50%',
    'https://example.com/@bob/posts?page=2',
    'password: null, token=undefined',
  ])('leaves %s alone', (text) => {
    expect(redactText(text)).toBe(text);
  });

  test('takes encoded credentials out', () => {
    const basic = Buffer.from(`bob:${CANARY}`).toString('base64');
    expect(redactText(`cannot verify ${jwt}, sorry`)).toBe('cannot verify [jwt], sorry');
    expect(redactText(`refused basic ${basic} here`)).toBe('refused basic [redacted] here');
  });

  test('keeps what surrounds a secret', () => {
    expect(redactText('GET /x?token=abc&page=2 from bob@example.com')).toBe(
      'GET /x?token=[redacted]&page=2 from [email]',
    );
    expect(redactText('postgres://app:hunter2@db:5432/rostrum')).toBe(
      'postgres://[redacted]@db:5432/rostrum',
    );
    expect(redactText('{"password":"a b","id":7}')).toBe('{"password":"[redacted]","id":7}');
  });

  test('a canary comes out of no text, whatever stands around it', () => {
    const carriers = fc.constantFrom(
      (secret: string) => `password=${secret}`,
      (secret: string) => `"refresh_token":"${secret}"`,
      (secret: string) => `Bearer ${secret}`,
      (secret: string) => `${secret}@example.com`,
      (secret: string) => `redis://u:${secret}@host/0`,
      (secret: string) => `X-Api-Key: ${secret}`,
      (secret: string) => `sessionId='${secret}'`,
    );
    const noise = fc.oneof(
      fc.string(),
      fc.string({ unit: 'grapheme' }),
      fc.constantFrom(
        '"',
        "'",
        '\\',
        '{',
        '[',
        '(',
        '=',
        ':',
        '@',
        '://',
        '%3D',
        'eyJ',
        '-----BEGIN ',
        'token',
      ),
    );
    fc.assert(
      fc.property(noise, carriers, noise, (before, carry, after) => {
        expect(redactText(`${before} ${carry(CANARY)} ${after}`)).not.toContain(CANARY);
      }),
      { numRuns: 2000 },
    );
  });

  test('never throws and never grows without bound', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
        expect(redactText(text).length).toBeLessThanOrEqual(text.length * 12 + 64);
      }),
    );
  });

  test('overlong text is cut where no secret is halved', () => {
    const text = `${'word '.repeat(6550)}${CANARY}@example.com ${'x'.repeat(50_000)}`;
    const safe = redactText(text);
    expect(safe.length).toBeLessThan(40_000);
    expect(safe).not.toContain(CANARY.slice(0, 6));
  });

  test.each([
    ['quotes', 'token="'],
    ['escapes', 'token=\\"'],
    ['backslashes', '\\'],
    ['brackets', 'token=['],
    ['at signs', 'a@'],
    ['addresses', 'a.b%40'],
    ['schemes', 'x://'],
    ['JWT beginnings', 'eyJ'],
    ['PEM beginnings', '-----BEGIN '],
    ['separators', '=:'],
    ['names', 'a-'],
    ['bearers', 'Bearer '],
    ['dots', 'a.'],
  ])('takes linear time for endless %s', (_what, unit) => {
    const text = unit.repeat(Math.ceil(32_000 / unit.length));
    let best = Infinity;
    for (let round = 0; round < 5; round++) {
      const before = process.threadCpuUsage(); // not the clock: others use the machine too
      redactText(text);
      const { user, system } = process.threadCpuUsage(before);
      best = Math.min(best, (user + system) / 1000);
    }
    // About 20 ms at most. Quadratic, these would be a billion steps.
    expect(best).toBeLessThan(200);
  });
});

test('a text that is plain has nothing to redact, and nothing to escape', () => {
  const pieces = 'xox b- glpat- ghp_ npm_ eyj bearer basic token sid posts feed 0 f / - = : A "'.split(' ');
  const texts = fc.array(fc.constantFrom(...pieces), { maxLength: 12 }).map((parts) => parts.join(''));
  fc.assert(
    fc.property(texts, (text) => {
      if (!isPlain(text)) return;
      expect(redactText(text)).toBe(text);
      expect(JSON.stringify(text)).toBe(`"${text}"`);
    }),
    { numRuns: 5000 },
  );
  expect(isPlain('/api/v1/posts/0190b5a0-0000-7000-8000-000000000000')).toBe(true);
});
