import { parseOptions } from '@node-rs/argon2';
import { BoundedQueue } from './bounded-queue';
import { PasswordHasher } from './password-hasher';

let passwords: PasswordHasher;

beforeAll(async () => {
  passwords = await PasswordHasher.create(
    new BoundedQueue({ name: 'hashing', concurrency: 2, maxWaiting: 100 }),
  );
});

it('makes argon2id hashes of at least 19 MiB and two passes, each with a salt of its own', async () => {
  const hashes = await Promise.all([passwords.hash('correct horse'), passwords.hash('correct horse')]);
  expect(hashes[0]).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
  expect(parseOptions(String(hashes[0])).saltLen).toBeGreaterThanOrEqual(16);
  expect(hashes[0]).not.toBe(hashes[1]);
});

it('knows the password of a hash, and no other', async () => {
  const stored = await passwords.hash('correct horse');
  expect(await passwords.verify('correct horse', stored)).toBe(true);
  expect(await passwords.verify('correct horsf', stored)).toBe(false);
  expect(await passwords.verify('', stored)).toBe(false);
});

it('takes the same characters for the same password, however a keyboard composes them', async () => {
  const stored = await passwords.hash('caf\u00e9 noir');
  expect(await passwords.verify('cafe\u0301 noir', stored)).toBe(true);
});

it('cuts nothing off a long password', async () => {
  const long = 'x'.repeat(127);
  const stored = await passwords.hash(`${long}a`);
  expect(await passwords.verify(`${long}b`, stored)).toBe(false);
});

it('says no to whoever has no hash, after as much work', async () => {
  const stored = await passwords.hash('correct horse');
  const timesOf = async (hash: string | undefined) => {
    const started = performance.now();
    for (let i = 0; i < 10; i += 1) expect(await passwords.verify('wrong horse', hash)).toBe(false);
    return performance.now() - started;
  };
  const ratio = (await timesOf(undefined)) / (await timesOf(stored));
  // Wide enough for a busy machine; without the work it would be near zero.
  expect(ratio).toBeGreaterThan(0.3);
});
