import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import {
  createLocalKms,
  DataKeys,
  Envelope,
  keyIdOf,
  parseMasterKeys,
  type DataKeyStore,
  type Kms,
  type StoredDataKey,
} from '../index';

const place = { table: 'signing_keys', column: 'private_key', row: 'a' };
const newMaster = (id: string) => `${id}:${randomBytes(32).toString('base64')}`;

/** Rows in memory, with the promise of the real one: the newest is replaced only by who knows it. */
function memoryStore(rows: StoredDataKey[] = []): DataKeyStore & { rows: StoredDataKey[] } {
  return {
    rows,
    newest: async () => rows.at(-1),
    find: async (id) => rows.find((row) => row.id === id),
    add: async (key, replaces) => {
      if (rows.at(-1)?.id === replaces) rows.push(key);
      return rows.at(-1) as StoredDataKey;
    },
  };
}

function countingKms(kms: Kms): Kms & { calls: { wrap: number; unwrap: number } } {
  const calls = { wrap: 0, unwrap: 0 };
  return {
    calls,
    provider: kms.provider,
    wrap: (...args) => ((calls.wrap += 1), kms.wrap(...args)),
    unwrap: (...args) => ((calls.unwrap += 1), kms.unwrap(...args)),
  };
}

const localKms = (text = newMaster('1')) => createLocalKms(parseMasterKeys(text));

function open(kms: Kms = localKms(), store = memoryStore(), now?: () => number) {
  const keys = new DataKeys({ kms, store, context: { service: 'auth' }, ...(now && { now }) });
  return { keys, store, envelope: new Envelope(keys) };
}

it('opens what it has sealed, and never seals the same twice alike', async () => {
  const { envelope } = open();
  await fc.assert(
    fc.asyncProperty(fc.uint8Array(), async (bytes) => {
      const plain = Buffer.from(bytes);
      const [one, other] = [await envelope.seal(plain, place), await envelope.seal(plain, place)];
      expect(await envelope.open(one, place)).toEqual(plain);
      expect(one.equals(other)).toBe(false);
    }),
  );
});

it('any bit changed, any byte lost and any other place is refused', async () => {
  const { envelope } = open();
  const sealed = await envelope.seal('the private key', place);
  for (let bit = 0; bit < sealed.length * 8; bit += 1) {
    const changed = Buffer.from(sealed);
    changed[bit >> 3] = Number(changed[bit >> 3]) ^ (1 << (bit & 7));
    await expect(envelope.open(changed, place)).rejects.toThrow();
  }
  for (let length = 0; length < sealed.length; length += 1) {
    await expect(async () => envelope.open(sealed.subarray(0, length), place)).rejects.toThrow();
  }
  for (const other of [{ row: 'b' }, { column: 'public_key' }, { table: 'signing_key' }]) {
    await expect(envelope.open(sealed, { ...place, ...other })).rejects.toThrow();
  }
  await expect(
    envelope.open(sealed, { table: 'signing_keysp', column: 'rivate_key', row: 'a' }),
  ).rejects.toThrow();
});

it('asks the keeper of the master key once, however often and however much at once it is used', async () => {
  const kms = countingKms(localKms());
  const { envelope } = open(kms);
  const sealed = await Promise.all(Array.from({ length: 200 }, () => envelope.seal('x', place)));
  await Promise.all(sealed.map((each) => envelope.open(each, place)));
  expect(kms.calls).toEqual({ wrap: 1, unwrap: 1 });
  expect(new Set(sealed.map(keyIdOf)).size).toBe(1);
});

it('a failure of the keeper is the caller’s, and is not remembered', async () => {
  const kms = localKms();
  let broken = true;
  const fragile: Kms = {
    ...kms,
    wrap: (...args) => (broken ? Promise.reject(new Error('away')) : kms.wrap(...args)),
  };
  const { envelope } = open(fragile);
  await expect(envelope.seal('x', place)).rejects.toThrow('away');
  broken = false;
  expect(await envelope.open(await envelope.seal('x', place), place)).toEqual(Buffer.from('x'));
});

it('a key that could not be unwrapped is asked for again', async () => {
  const [kms, store] = [localKms(), memoryStore()];
  const sealed = await open(kms, store).envelope.seal('x', place);
  let broken = true;
  const { envelope } = open(
    { ...kms, unwrap: (...args) => (broken ? Promise.reject(new Error('away')) : kms.unwrap(...args)) },
    store,
  );
  await expect(envelope.open(sealed, place)).rejects.toThrow('away');
  broken = false;
  expect(await envelope.open(sealed, place)).toEqual(Buffer.from('x'));
});

it('rotates while it runs: another process goes over to the new key, and the old values stay readable', async () => {
  let now = 0;
  const kms = localKms();
  const store = memoryStore();
  const one = open(kms, store, () => now);
  const other = open(kms, store, () => now);
  const [before, theirs] = [await one.envelope.seal('old', place), await other.envelope.seal('old', place)];
  expect(keyIdOf(theirs)).toBe(keyIdOf(before));

  const { id } = await one.keys.rotate();
  expect(keyIdOf(await one.envelope.seal('new', place))).toBe(id);
  expect(await one.envelope.isStale(before)).toBe(true);
  expect(await one.envelope.open(before, place)).toEqual(Buffer.from('old'));
  const anew = await one.envelope.reseal(before, place);
  expect([keyIdOf(anew), await one.envelope.isStale(anew)]).toEqual([id, false]);

  // Whoever has a key never waits for a newer one: the first seal after the time goes and looks.
  now += 60_001;
  await other.envelope.seal('x', place);
  await new Promise(setImmediate);
  expect(keyIdOf(await other.envelope.seal('x', place))).toBe(id);
  expect(await other.envelope.open(anew, place)).toEqual(Buffer.from('old'));
});

it('of two that rotate at once both end with the same key', async () => {
  const kms = localKms();
  const store = memoryStore();
  const [one, other] = [open(kms, store), open(kms, store)];
  await one.envelope.seal('x', place);
  await Promise.all([one.keys.rotate(), other.keys.rotate()]);
  expect(store.rows.length).toBeLessThanOrEqual(3);
  expect((await other.keys.current()).id).toBe(store.rows.at(-1)?.id);
});

it('looking for a newer key fails without harm to who has one', async () => {
  let now = 0;
  const store = memoryStore();
  const errors: unknown[] = [];
  const keys = new DataKeys({
    kms: localKms(),
    store: {
      ...store,
      newest: () => (now === 0 ? store.newest() : Promise.reject(new Error('no database'))),
    },
    context: {},
    now: () => now,
    onError: (error) => errors.push(error),
  });
  const { id } = await keys.current();
  now = 120_000;
  expect((await keys.current()).id).toBe(id);
  await new Promise(setImmediate);
  expect(errors).toEqual([new Error('no database')]);
});

describe('the local master key', () => {
  const context = { service: 'auth', keyId: 'k' };
  const dataKey = randomBytes(32);

  it('has versions: the newest wraps, all of them unwrap, and one that is gone does not', async () => {
    const [first, second] = [newMaster('2025'), newMaster('2026')];
    const wrapped = await localKms(first).wrap(dataKey, context);
    expect(wrapped.masterKeyId).toBe('2025');
    const both = localKms(`${first}\n# the new one\n\n${second}\n`);
    expect(await both.unwrap(wrapped, context)).toEqual(dataKey);
    expect((await both.wrap(dataKey, context)).masterKeyId).toBe('2026');
    await expect(localKms(second).unwrap(wrapped, context)).rejects.toMatchObject({ failure: 'refused' });
  });

  it('refuses what was changed, another context, and another key under the same id', async () => {
    const kms = localKms(newMaster('1'));
    const wrapped = await kms.wrap(dataKey, context);
    const refused = { name: 'KmsError', failure: 'refused' };
    for (let at = 0; at < wrapped.bytes.length; at += 1) {
      const bytes = Buffer.from(wrapped.bytes);
      bytes[at] = Number(bytes[at]) ^ 1;
      await expect(kms.unwrap({ ...wrapped, bytes }, context)).rejects.toMatchObject(refused);
    }
    await expect(kms.unwrap(wrapped, { ...context, keyId: 'l' })).rejects.toMatchObject(refused);
    await expect(kms.unwrap(wrapped, { service: 'auth' })).rejects.toMatchObject(refused);
    await expect(localKms(newMaster('1')).unwrap(wrapped, context)).rejects.toMatchObject(refused);
    expect(await kms.unwrap(wrapped, { keyId: 'k', service: 'auth' })).toEqual(dataKey);
  });

  it.each([
    ['nothing', '\n# only a comment\n', /at least one line/],
    ['a short key', '1:AAAA', /line 1/],
    ['a key without an id', randomBytes(32).toString('base64'), /line 1/],
    ['an id twice', `${newMaster('1')}\n${newMaster('1')}`, /one id for two keys/],
  ])('is not read from %s', (_, text, why) => {
    expect(() => parseMasterKeys(text)).toThrow(why);
  });
});
