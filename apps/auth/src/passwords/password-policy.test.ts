import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createPolicy } from '@rostrum/resilience';
import { BreachedPasswordsClient } from './breached-passwords.client';
import common from './common-passwords.json';
import { isCommonPassword } from './common-passwords';
import { PasswordPolicy } from './password-policy';

const ada = { username: 'ada_lovelace', email: 'countess.king@example.com' };
const policy = new PasswordPolicy();
const verdict = (password: string, of = policy) =>
  of.assertFit(password, ada).then(
    () => 'fit',
    (error: { code: string }) => error.code,
  );

it.each([
  'password',
  'PASSWORD',
  'password1',
  'Password123!',
  'letmein!!',
  'qwertyuiop',
  'dragon1987',
  '1234567890',
])('refuses %s, which everybody tries first', async (password) => {
  expect(await verdict(password)).toBe('PASSWORD_TOO_COMMON');
});

it.each([
  'correct horse battery',
  'zvq8-mkw2',
  'Schraubenmutternkasten',
  'пароль не простой',
  '🐎🔋📎🐎🔋📎',
])('takes %s', async (password) => {
  expect(await verdict(password)).toBe('fit');
});

it('takes no more than one in a thousand others for a common one', () => {
  const others = Array.from({ length: 20_000 }, (_, n) =>
    createHash('sha1').update(`${n}`).digest('base64url'),
  );
  expect(others.filter((text) => isCommonPassword(text)).length).toBeLessThan(20);
  expect(common.passwords).toBeGreaterThan(40_000);
});

it.each([
  'ada_lovelace',
  'Ada_Lovelace1!',
  'countess.king@example.com',
  'countess.king1852',
  '!!countess.king.ada_lovelace',
  'Rostrum-ada_lovelace-7',
])('refuses %s, which says who it is', async (password) => {
  expect(await verdict(password)).toBe('PASSWORD_TOO_PERSONAL');
});

it('takes a name among other words', async () => {
  expect(await verdict('ada_lovelace rides a horse')).toBe('fit');
});

describe('with somebody who knows breaches', () => {
  let server: Server;
  let asked: { url: string; padding: unknown }[] = [];
  let answer: { status: number; text: string };
  const digestOf = (password: string) => createHash('sha1').update(password).digest('hex').toUpperCase();
  const breached = 'zvq8-mkw2-breached';

  beforeAll(async () => {
    server = createServer((request, response) => {
      asked.push({ url: String(request.url), padding: request.headers['add-padding'] });
      response.writeHead(answer.status).end(answer.text);
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
  });
  beforeEach(() => {
    asked = [];
    const known = digestOf(breached).slice(5);
    answer = { status: 200, text: `${'0'.repeat(35)}:3\r\n${known}:12\r\n${digestOf('fit').slice(5)}:0\r\n` };
  });
  afterAll(() => server.close());

  const online = (onlineRequired: boolean, onUnasked: () => void = jest.fn()) => {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/range/`;
    const calls = createPolicy({ name: 'breached_passwords', timeoutMs: 10_000, breaker: false });
    return new PasswordPolicy({ online: new BreachedPasswordsClient(url, calls), onlineRequired, onUnasked });
  };

  it('refuses what they know, and tells them five digits of a hash', async () => {
    expect(await verdict(breached, online(false))).toBe('PASSWORD_BREACHED');
    expect(await verdict('zvq8-mkw2-unheard', online(false))).toBe('fit');
    expect(asked[0]).toEqual({ url: `/range/${digestOf(breached).slice(0, 5)}`, padding: 'true' });
  });

  it('counts nothing that is there to hide the others', async () => {
    answer.text = `${digestOf(breached).slice(5)}:0`;
    expect(await verdict(breached, online(false))).toBe('fit');
  });

  it('goes on without them, and says so; or refuses where that is wanted', async () => {
    answer.status = 500;
    const onUnasked = jest.fn();
    expect(await verdict(breached, online(false, onUnasked))).toBe('fit');
    expect(onUnasked).toHaveBeenCalledTimes(1);
    await expect(online(true).assertFit(breached, ada)).rejects.toThrow('500');
  });

  it('does not ask for what is refused anyway', async () => {
    expect(await verdict('password1', online(true))).toBe('PASSWORD_TOO_COMMON');
    expect(asked).toEqual([]);
  });
});
