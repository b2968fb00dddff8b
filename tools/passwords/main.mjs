/**
 * node tools/passwords/main.mjs — writes the list of common passwords that auth refuses, as a Bloom filter.
 *
 * The list is the one that @zxcvbn-ts/language-common is published with: passwords of public breaches, the most common
 * ones first. A filter of it takes a hundredth of the memory of a set, and nothing has to be installed to run it.
 */
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

const require = createRequire(import.meta.url);
const source = '@zxcvbn-ts/language-common';
const file = path.resolve(import.meta.dirname, '../../apps/auth/src/passwords/common-passwords.json');

/** One in a hundred thousand passwords that are not on the list is taken for one that is. */
const bitsPerPassword = 24;
const hashes = 16;

const passwords = new Set(
  require(source).dictionary['passwords-common'].map((text) => text.normalize('NFKC').toLowerCase()),
);
const bits = Math.ceil((passwords.size * bitsPerPassword) / 8) * 8;
const filter = Buffer.alloc(bits / 8);
for (const password of passwords) {
  const digest = createHash('sha256').update(password).digest();
  const [first, step] = [digest.readUInt32BE(0), digest.readUInt32BE(4) | 1];
  for (let i = 0; i < hashes; i += 1) {
    const bit = (first + i * (step >>> 0)) % bits;
    filter[bit >> 3] |= 1 << (bit & 7);
  }
}
const { version } = require(`${source}/package.json`);
const content = {
  source: `${source} ${version}`,
  passwords: passwords.size,
  hashes,
  filter: filter.toString('base64'),
};
writeFileSync(file, `${JSON.stringify(content, null, 2)}\n`);
console.log(`${passwords.size} passwords in ${filter.length} bytes: ${path.relative(process.cwd(), file)}`);
