import {
  createHmac,
  createPrivateKey,
  createPublicKey,
  createSign,
  generateKeyPairSync,
  type JsonWebKey,
  type KeyObject,
} from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AuthApp, type Answer } from './auth-app';

let app: AuthApp;
/** A good token, taken apart. */
let good: {
  token: string;
  header: Record<string, unknown>;
  payload: Record<string, unknown>;
  signature: string;
};
let published: JsonWebKey & { kid: string };
let privateKey: KeyObject;
/** Counts who comes to fetch keys that a token names. */
let trap: Server;
let trapped = 0;
let trapUrl: string;

beforeAll(async () => {
  const pem = generateKeyPairSync('rsa', { modulusLength: 2048 })
    .privateKey.export({ type: 'pkcs8', format: 'pem' })
    .toString();
  // The test holds the key too, so that it can make tokens that are wrong in one thing alone.
  privateKey = createPrivateKey(pem);
  app = await AuthApp.start({ settings: { JWT_SIGNING_KEY: pem } });
  const token = await app.tokenOf(await app.person());
  const [head = '', body = '', signature = ''] = token.split('.');
  good = { token, header: decode(head), payload: decode(body), signature };
  const { json } = await app.get('/.well-known/jwks.json');
  published = json.keys.find(({ kid }: { kid: string }) => kid === good.header.kid);
  trap = createServer((_, response) => {
    trapped += 1;
    response.end(JSON.stringify({ keys: [] }));
  });
  await new Promise<void>((resolve) => trap.listen(0, '127.0.0.1', resolve));
  trapUrl = `http://127.0.0.1:${(trap.address() as AddressInfo).port}/keys`;
});
afterAll(async () => {
  await app.stop();
  await new Promise((resolve) => trap.close(resolve));
});

const decode = (part: string) =>
  JSON.parse(Buffer.from(part, 'base64url').toString()) as Record<string, unknown>;
const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const now = () => Math.floor(Date.now() / 1000);

/** Signed by the real key, whatever it says. */
function signed(header: object, payload: object, key = privateKey, algorithm = 'RSA-SHA256'): string {
  const text = `${encode(header)}.${encode(payload)}`;
  return `${text}.${createSign(algorithm).update(text).sign(key).toString('base64url')}`;
}
const withClaims = (claims: object) => signed(good.header, { ...good.payload, ...claims });
const withHeader = (header: object) => signed({ ...good.header, ...header }, good.payload);
const without = (claim: string) =>
  signed(good.header, Object.fromEntries(Object.entries(good.payload).filter(([name]) => name !== claim)));
const hmac = (secret: string | Buffer, header: object = {}) => {
  const text = `${encode({ ...good.header, alg: 'HS256', ...header })}.${encode({ ...good.payload, roles: ['admin'] })}`;
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
};
const pem = () =>
  createPublicKey({ key: published, format: 'jwk' }).export({ type: 'spki', format: 'pem' }).toString();
const stranger = () => generateKeyPairSync('rsa', { modulusLength: 2048 });
/** Signed by a key that the token itself brings along, in one of the ways in which it could. */
const bringing = (header: (publicJwk: JsonWebKey) => object) => {
  const { publicKey, privateKey: own } = stranger();
  const jwk = publicKey.export({ format: 'jwk' });
  return signed({ ...good.header, kid: 'mine', ...header(jwk) }, good.payload, own);
};
const signedText = (body: string) => {
  const text = `${encode(good.header)}.${Buffer.from(body).toString('base64url')}`;
  return `${text}.${createSign('RSA-SHA256').update(text).sign(privateKey).toString('base64url')}`;
};

const attacks: [string, () => string][] = [
  [
    'alg none, without a signature',
    () => `${encode({ ...good.header, alg: 'none' })}.${encode(good.payload)}.`,
  ],
  ['alg nOnE', () => `${encode({ ...good.header, alg: 'nOnE' })}.${encode(good.payload)}.`],
  [
    'alg none, with the old signature',
    () => `${encode({ ...good.header, alg: 'none' })}.${encode(good.payload)}.${good.signature}`,
  ],
  ['no alg', () => withHeader({ alg: undefined })],
  ['HS256 with the public key in PEM as the secret', () => hmac(pem())],
  ['HS256 with the public key in PEM, without its last newline', () => hmac(pem().trim())],
  ['HS256 with the published JWK as the secret', () => hmac(JSON.stringify(published))],
  ['HS256 with the modulus as the secret', () => hmac(Buffer.from(String(published.n), 'base64url'))],
  ['HS256 with an empty secret', () => hmac('')],
  [
    'RS512 by the right key',
    () => signed({ ...good.header, alg: 'RS512' }, good.payload, privateKey, 'RSA-SHA512'),
  ],
  ['PS256 said, RS256 done', () => withHeader({ alg: 'PS256' })],
  ['another key under our id', () => signed(good.header, good.payload, stranger().privateKey)],
  ['an id that nobody has', () => withHeader({ kid: 'nobody' })],
  ['no id', () => withHeader({ kid: undefined })],
  ['an id that is a path', () => withHeader({ kid: '../../../../dev/null' })],
  ['an id that is SQL', () => withHeader({ kid: `x' union select 'a` })],
  ['an id that is a command', () => withHeader({ kid: '|cat /etc/passwd' })],
  ['an id that is no text', () => withHeader({ kid: { $ne: '' } })],
  ['an id of the prototype', () => withHeader({ kid: '__proto__' })],
  ['a key of its own in the header', () => bringing((jwk) => ({ jwk }))],
  ['a certificate of its own in the header', () => bringing(({ n }) => ({ x5c: [n] }))],
  ['jku: keys to be fetched elsewhere', () => bringing(() => ({ jku: trapUrl }))],
  ['x5u: a certificate to be fetched elsewhere', () => bringing(() => ({ x5u: trapUrl }))],
  ['crit: something that must be understood', () => withHeader({ crit: ['exp2'], exp2: true })],
  ['b64 false', () => withHeader({ b64: false, crit: ['b64'] })],
  ['typ JWT', () => withHeader({ typ: 'JWT' })],
  ['typ of an ID token', () => withHeader({ typ: 'id+jwt' })],
  ['no typ', () => withHeader({ typ: undefined })],
  ['another issuer', () => withClaims({ iss: 'https://evil.test' })],
  ['no issuer', () => without('iss')],
  ['another audience', () => withClaims({ aud: 'others' })],
  ['other audiences', () => withClaims({ aud: ['others', 'more'] })],
  ['no audience', () => without('aud')],
  ['expired', () => withClaims({ exp: now() - 60 })],
  ['expired within the tolerance of clocks', () => withClaims({ exp: now() - 1 })],
  ['no end', () => without('exp')],
  ['an end that is no number', () => withClaims({ exp: '99999999999' })],
  ['not yet good', () => withClaims({ nbf: now() + 3600 })],
  ['no beginning', () => without('iat')],
  ['no subject', () => without('sub')],
  ['a subject that is no id', () => withClaims({ sub: `' or 1=1 --` })],
  ['no session', () => without('sid')],
  ['roles that are no list', () => withClaims({ roles: 'admin' })],
  [
    'changed roles under the old signature',
    () => [encode(good.header), encode({ ...good.payload, roles: ['admin'] }), good.signature].join('.'),
  ],
  ['a signature cut short', () => good.token.slice(0, -8)],
  [
    'a signature with one bit changed',
    () => `${good.token.slice(0, -10)}${good.token.at(-10) === 'A' ? 'B' : 'A'}${good.token.slice(-9)}`,
  ],
  ['no signature', () => good.token.slice(0, good.token.lastIndexOf('.') + 1)],
  ['two parts', () => good.token.slice(0, good.token.lastIndexOf('.'))],
  ['four parts', () => `${good.token}.x`],
  ['five parts, as if it were encrypted', () => `${good.token}.x.y`],
  ['a space within', () => good.token.replace('.', ' .')],
  ['not base64', () => `!${good.token.slice(1)}`],
  ['nothing', () => ''],
  ['a header that is no object', () => `${encode([])}.${encode(good.payload)}.${good.signature}`],
  ['a payload that is no JSON', () => signedText('not json')],
  ['nested twice', () => signedText(good.token)],
  ['far too long', () => `${good.token}${'A'.repeat(10_000)}`],
];

const ask = (token: string) => app.get('/api/v1/auth/me', { token });
/** What a client can learn of a refusal, without what is another with each request. */
function told({ status, headers, json }: Answer) {
  const { requestId: _requestId, ...problem } = json;
  return { status, challenge: headers.get('www-authenticate'), problem };
}

it('the tokens of this test are good where nothing is wrong with them', async () => {
  expect((await ask(good.token)).status).toBe(200);
  expect((await ask(signed(good.header, good.payload))).status).toBe(200);
  expect((await ask(withClaims({ aud: ['others', String(good.payload.aud)] }))).status).toBe(200);
});

it.each(attacks)('refused with the same words: %s', async (_, make) => {
  const token = make();
  expect(told(await ask(token))).toEqual({
    status: 401,
    challenge: 'Bearer realm="rostrum"',
    problem: {
      type: 'urn:rostrum:problem:unauthorized',
      title: 'Unauthorized',
      status: 401,
      detail: 'A valid access token is required',
      instance: '/api/v1/auth/me',
      code: 'UNAUTHORIZED',
    },
  });
});

it('no key was fetched from where a token said, and no token is in the log', () => {
  expect(trapped).toBe(0);
  expect(app.log.text()).not.toMatch(/eyJ|evil\.test|etc\/passwd/);
});

it('the good token is good still', async () => {
  expect((await ask(good.token)).status).toBe(200);
});
