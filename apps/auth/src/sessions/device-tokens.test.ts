import { randomBytes, randomUUID } from 'node:crypto';
import { parseMasterKeys } from '@rostrum/security';
import { Keyring } from '../secrets/keyring';
import { describeClient } from './client-description';
import { DeviceTokens } from './device-tokens';

const clock = { now: 1_800_000_000_000 };
const secret = (id: string) => `${id}:${randomBytes(32).toString('base64')}`;
const [old, recent] = [secret('1'), secret('2')];
const devicesOf = (...lines: string[]) =>
  new DeviceTokens(new Keyring(parseMasterKeys(lines.join('\n'))), () => clock.now);
const devices = devicesOf(old);

it('a device is known again, for the person who signed in on it', () => {
  const userId = randomUUID();
  const known = devices.read(devices.issue(userId, undefined));
  expect(known).toEqual({ id: expect.stringMatching(/^[0-9a-f]{32}$/), userId });
  expect(devices.read(devices.issue(userId, known))).toEqual(known);
  expect(devices.read(devices.issue(userId, undefined))?.id).not.toBe(known?.id);
});

it('whatever is changed of a token makes it none', () => {
  const token = devices.issue(randomUUID(), undefined);
  for (let at = 0; at < token.length; at += 1) {
    const changed = `${token.slice(0, at)}${token[at] === 'A' ? 'B' : 'A'}${token.slice(at + 1)}`;
    // The last character has bits to spare: with another one the bytes may be the same.
    if (Buffer.from(changed, 'base64url').equals(Buffer.from(token, 'base64url'))) continue;
    expect(devices.read(changed)).toBeUndefined();
  }
  for (const text of [undefined, '', 'hunter2', `${token}AAAA`]) expect(devices.read(text)).toBeUndefined();
});

it('a token is good for a year, and over a change of the secret', () => {
  const token = devices.issue(randomUUID(), undefined);
  expect(devicesOf(old, recent).read(token)).toEqual(devices.read(token));
  expect(devicesOf(recent).read(token)).toBeUndefined();
  clock.now += 365 * 86_400_000;
  expect(devices.read(token)).toBeDefined();
  clock.now += 86_400_000;
  expect(devices.read(token)).toBeUndefined();
});

it.each([
  ['Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0', 'Firefox on Linux'],
  [
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0',
    'Edge on Windows',
  ],
  [
    'Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36',
    'Chrome on Android',
  ],
  [
    'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15',
    'Safari on macOS',
  ],
  ['curl/8.5.0', 'curl/8.5.0'],
  ['hello@example.com my password is hunter2', 'other'],
  ['x'.repeat(2000), null],
  [undefined, null],
])('%.40s… is what people know as %s', (userAgent, description) => {
  expect(describeClient(userAgent)).toBe(description);
});
