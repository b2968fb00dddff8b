import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { ClearError } from '../../native/clear-error.mjs';

/** The password of the development accounts, `{ password, isNew }`: random, made once, readable by its owner alone. */
export function readOrMakePassword(file) {
  fs.mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
  const made = randomBytes(18).toString('base64url');
  try {
    fs.writeFileSync(file, `${made}\n`, { mode: 0o600, flag: 'wx' });
    return { password: made, isNew: true };
  } catch (error) {
    if (error.code !== 'EEXIST') throw new ClearError(`${file} cannot be written: ${error.code}.`);
  }
  const password = fs.readFileSync(file, 'utf8').trim();
  if (!password) throw new ClearError(`${file} is empty.`, 'Remove it, or write a password into it.');
  return { password, isNew: false };
}
