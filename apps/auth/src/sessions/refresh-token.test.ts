import { randomBytes, randomUUID } from 'node:crypto';
import { parseMasterKeys } from '@rostrum/security';
import { Keyring } from '../secrets/keyring';
import { RefreshTokens } from './refresh-token';

const secret = (id: string) => `${id}:${randomBytes(32).toString('base64')}`;
const tokensOf = (...lines: string[]) => new RefreshTokens(new Keyring(parseMasterKeys(lines.join('\n'))));

const [old, recent] = [secret('1'), secret('2')];
const tokens = tokensOf(old);

it('reads what it has written', () => {
  const token = tokens.first(randomUUID());
  expect(tokens.read(tokens.write(token))).toEqual(token);
  expect(tokens.write(token)).toMatch(/^[\w-]{91}$/);
});

it('knows none that it has not written, whichever character is another one', () => {
  const text = tokens.write(tokens.first(randomUUID()));
  for (let at = 0; at < text.length; at += 1) {
    for (const other of ['A', 'B', '-']) {
      const changed = text.slice(0, at) + other + text.slice(at + 1);
      if (changed !== text) expect(tokens.read(changed)).toBeUndefined();
    }
  }
  for (const wrong of ['', 'abc', `${text}A`, text.slice(0, -1), text.replace(/.$/, '='), 'é'.repeat(91)])
    expect(tokens.read(wrong)).toBeUndefined();
  expect(tokensOf(recent).read(text)).toBeUndefined();
});

it('leads to one successor, which nobody can tell from the token without the secret', () => {
  const token = tokens.first(randomUUID());
  const [successor, ...others] = tokens.successors(token);
  expect(others).toEqual([]);
  expect(successor).toMatchObject({ sessionId: token.sessionId, generation: 1 });
  expect(tokens.successors(token)).toEqual([successor]);
  expect(tokensOf(recent).successors(token)[0]?.secret).not.toEqual(successor?.secret);
  const twin = { ...token, sessionId: randomUUID() };
  expect(tokens.successors(twin)[0]?.secret).not.toEqual(successor?.secret);
});

it('is stored as a hash that takes a secret to make', () => {
  const token = tokens.first(randomUUID());
  const [stored] = tokens.hashes(token);
  expect(stored).toHaveLength(32);
  expect(tokens.write(token)).not.toContain(stored?.toString('base64url'));
  expect(tokensOf(recent).hashes(token)[0]).not.toEqual(stored);
});

it('stays good when the secret gets a new version, until the old one is taken away', () => {
  const token = tokens.first(randomUUID());
  const text = tokens.write(token);
  const during = tokensOf(old, recent);
  expect(during.read(text)).toEqual(token);
  expect(during.hashes(token)).toContainEqual(tokens.hashes(token)[0]);
  expect(during.successors(token)).toContainEqual(tokens.successors(token)[0]);
  expect(during.successors(token)[0]).toEqual(tokensOf(recent).successors(token)[0]);
  expect(tokensOf(recent).read(during.write(token))).toEqual(token);
  expect(tokensOf(recent).read(text)).toBeUndefined();
});
