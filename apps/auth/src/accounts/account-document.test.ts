import { randomBytes, randomUUID } from 'node:crypto';
import { parseMasterKeys } from '@rostrum/security';
import { Keyring } from '../secrets/keyring';
import { newAccount } from './account';
import { accountDocument, AccountSeal } from './account-document';

const secret = (id: string) => `${id}:${randomBytes(32).toString('base64')}`;
const own = secret('1');
const sealOf = (...lines: string[]) => new AccountSeal(new Keyring(parseMasterKeys(lines.join('\n'))));
const ada = newAccount({ email: 'ada@example.com', username: 'ada' });

it('opens what it has sealed, once and again, in any process with the secret', () => {
  const document = accountDocument(ada);
  const seal = sealOf(own);
  const sealed = seal.seal(ada.id, document);
  expect(sealed.toString('latin1')).not.toContain('ada@');
  for (const each of [seal, seal, sealOf(own)]) expect(each.open(ada.id, sealed)).toEqual(document);
});

it('never gives an older version for a newer one, or the account of another', () => {
  const seal = sealOf(own);
  const versions = [1, 2, 3].map((version) =>
    accountDocument({ ...ada, version, roles: [`role ${version}`] }),
  );
  const sealed = versions.map((document) => seal.seal(ada.id, document));
  for (const n of [0, 1, 2, 1, 0]) expect(seal.open(ada.id, sealed[n] as Buffer)).toEqual(versions[n]);
  expect(seal.open(randomUUID(), sealed[0] as Buffer)).toBeUndefined();
});

it('gives nothing for what was changed, or sealed under another secret', () => {
  const seal = sealOf(own);
  const sealed = seal.seal(ada.id, accountDocument(ada));
  expect(seal.open(ada.id, sealed)).toBeDefined();
  for (let at = 0; at < sealed.length; at += 7) {
    const changed = Buffer.from(sealed);
    changed[at] = (changed[at] ?? 0) ^ 1;
    expect(seal.open(ada.id, changed)).toBeUndefined();
  }
  expect(sealOf(secret('1')).open(ada.id, sealed)).toBeUndefined();
  expect(sealOf(own, secret('2')).open(ada.id, sealed)).toBeUndefined();
});
