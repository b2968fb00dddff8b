import { randomBytes } from 'node:crypto';
import { hash, parseOptions } from '@node-rs/argon2';
import { parseMasterKeys } from '@rostrum/security';
import type { StoredPassword } from '../accounts/account';
import { Keyring } from '../secrets/keyring';
import { BoundedQueue } from './bounded-queue';
import { PasswordHasher, saltOf, type HashParameters } from './password-hasher';

const secret = (id: string) => `${id}:${randomBytes(32).toString('base64')}`;
const [old, recent] = [secret('1'), secret('2')];
const queue = new BoundedQueue({ name: 'hashing', concurrency: 2, maxWaiting: 100 });
const usual: HashParameters = { memoryKib: 19_456, passes: 2 };
const hasherOf = (secrets: string, parameters = usual) =>
  new PasswordHasher(queue, new Keyring(parseMasterKeys(secrets)), parameters);

const passwords = hasherOf(old);
const isTheirs = async (password: string, ...candidates: StoredPassword[]) =>
  (await passwords.verify(password, candidates)) !== undefined;

it('makes argon2id hashes of at least 19 MiB and two passes, each with a salt of its own', async () => {
  const hashes = await Promise.all([passwords.hash('correct horse'), passwords.hash('correct horse')]);
  expect(hashes[0]).toEqual({
    hash: expect.stringMatching(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/),
    pepper: '1',
  });
  expect(parseOptions(hashes[0].hash).saltLen).toBeGreaterThanOrEqual(16);
  expect(hashes[0].hash).not.toBe(hashes[1].hash);
});

it('knows the password of a hash, and no other', async () => {
  const stored = await passwords.hash('correct horse');
  expect(await isTheirs('correct horse', stored)).toBe(true);
  expect(await isTheirs('correct horsf', stored)).toBe(false);
  expect(await isTheirs('', stored)).toBe(false);
});

it('takes the same characters for the same password, however a keyboard composes them', async () => {
  const stored = await passwords.hash('caf\u00e9 noir');
  expect(await isTheirs('cafe\u0301 noir', stored)).toBe(true);
});

it('cuts nothing off a long password', async () => {
  const long = 'x'.repeat(127);
  const stored = await passwords.hash(`${long}a`);
  expect(await isTheirs(`${long}b`, stored)).toBe(false);
});

it('a hash is worth nothing without the secret that was mixed in', async () => {
  const stored = await passwords.hash('correct horse');
  const elsewhere = hasherOf(secret('1'));
  expect(await elsewhere.verify('correct horse', [stored])).toBeUndefined();
  const salt = saltOf(stored.hash);
  expect(await hash('correct horse', { salt })).not.toBe(stored.hash);
});

it('says no to whoever has no hash, after as much work', async () => {
  const stored = await passwords.hash('correct horse');
  const timeOf = async (candidates: StoredPassword[]) => {
    const started = performance.now();
    expect(await passwords.verify('wrong horse', candidates)).toBeUndefined();
    return performance.now() - started;
  };
  // The quickest of each: what a busy machine adds, it adds to some.
  let [known, unknown] = [Infinity, Infinity];
  for (let i = 0; i < 10; i += 1) {
    known = Math.min(known, await timeOf([stored]));
    unknown = Math.min(unknown, await timeOf([]));
  }
  // Without the work it would be near zero.
  expect(unknown / known).toBeGreaterThan(0.3);
});

it('finds whose of several it is by one hash, where they share a salt', async () => {
  const first = await passwords.hash('the first one');
  const others = await Promise.all(
    ['the second', 'the third'].map((each) => passwords.hash(each, { salt: saltOf(first.hash) })),
  );
  const stranger = await passwords.hash('a stranger');
  const candidates = [first, ...others, stranger];
  const hashed = jest.spyOn(queue, 'run');
  expect(await passwords.verify('the third', candidates)).toEqual({ index: 2, isStale: false });
  expect(await passwords.verify('the first one', candidates)).toEqual({ index: 0, isStale: false });
  expect(await passwords.verify('a stranger', candidates)).toBeUndefined();
  expect(hashed).toHaveBeenCalledTimes(3);
});

describe('a hash is to be made anew', () => {
  const legacy = async (): Promise<StoredPassword> => ({ hash: await hash('correct horse'), pepper: null });

  it.each<[string, () => Promise<StoredPassword>, PasswordHasher]>([
    ['from before there was a secret', legacy, passwords],
    [
      'under a secret that has another version now',
      () => passwords.hash('correct horse'),
      hasherOf(`${old}\n${recent}`),
    ],
    ['of less memory', () => passwords.hash('correct horse'), hasherOf(old, { ...usual, memoryKib: 20_000 })],
    ['of fewer passes', () => passwords.hash('correct horse'), hasherOf(old, { ...usual, passes: 3 })],
  ])('%s', async (_, make, hasher) => {
    const stored = await make();
    expect(await hasher.verify('correct horse', [stored])).toEqual({ index: 0, isStale: true });
    expect(await hasher.verify('correct horsf', [stored])).toBeUndefined();
    const renewed = await hasher.hash('correct horse', { salt: saltOf(stored.hash) });
    expect(await hasher.verify('correct horse', [renewed])).toEqual({ index: 0, isStale: false });
  });

  it('not because it costs more than new ones do', async () => {
    const strong = await hasherOf(old, { memoryKib: 20_000, passes: 3 }).hash('correct horse');
    expect(await passwords.verify('correct horse', [strong])).toEqual({ index: 0, isStale: false });
  });
});
