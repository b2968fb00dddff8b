/**
 * Identities of callers with limits of their own:  npm run --silent load-identity -- <command> [options]
 *
 * A load test comes from one address and would share its bucket. With an identity that the operator has signed, each
 * virtual user has a bucket of its own; the limits stay on. docs/rate-limits.md says how services check them.
 */
import crypto from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { SignJWT } from 'jose';
import { ClearError, failureLine } from '../native/clear-error.mjs';
import { identityKeyFiles } from '../start/secrets.mjs';

const usage = `npm run --silent load-identity -- <command> [options]

keys --out <folder>      makes a pair: caller-identity.pem signs and stays with the operator,
                         caller-identity.pub.pem is what services get as RATE_LIMIT_IDENTITY_KEY_FILE

issue [options]          prints signed identities, one per line, for the header X-Caller-Identity
  --key <file>           the key that signs (that of this machine's development system)
  --count <number>       how many (1)
  --name <text>          what they are called; followed by -1, -2 … where there are more (vu)
  --ttl <seconds>        how long they are good for, a day at most (3600)
  --api <number>         requests to the API per window, in place of everybody's
  --auth <number>        requests to credential routes per window, in place of everybody's
  --internal             for a process of your own, which then has no limits
  --out <file>           writes a JSON array there instead

--help                   shows this`;

const longestTtl = 86_400;
const mostIdentities = 100_000;

/** Signs identities. `limits` may have `api` and `auth`. Resolves to their tokens. */
export async function issueIdentities({
  key,
  count = 1,
  name = 'vu',
  ttl = 3600,
  limits = {},
  use = 'load',
}) {
  const signing = crypto.createPrivateKey(key);
  if (signing.asymmetricKeyType !== 'ed25519') throw new ClearError('The key is none of Ed25519.');
  const now = Math.floor(Date.now() / 1000);
  const sign = (sub) =>
    new SignJWT({ use, ...(Object.keys(limits).length > 0 && { limits }) })
      .setProtectedHeader({ alg: 'EdDSA', typ: 'caller-identity+jwt' })
      .setSubject(sub)
      .setAudience('rostrum-limits')
      .setIssuedAt(now)
      .setExpirationTime(now + ttl)
      .sign(signing);
  const names = count === 1 ? [name] : Array.from({ length: count }, (_, index) => `${name}-${index + 1}`);
  return Promise.all(names.map(sign));
}

/** Makes a pair of keys in the folder, and never over one that is there. */
export function makeKeys(folder) {
  const files = [path.join(folder, 'caller-identity.pem'), path.join(folder, 'caller-identity.pub.pem')];
  const there = files.find((file) => fs.existsSync(file));
  if (there) throw new ClearError(`${there} exists already.`, 'Name another folder, or remove it first.');
  const { privateKey, publicKey } = crypto.generateKeyPairSync('ed25519');
  fs.mkdirSync(folder, { recursive: true });
  fs.writeFileSync(files[0], privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
  fs.writeFileSync(files[1], publicKey.export({ type: 'spki', format: 'pem' }));
  return files;
}

async function main(args) {
  const { values, command } = parse(args);
  if (values.help) return console.log(usage);
  if (command === 'keys') {
    if (!values.out) throw new ClearError('keys needs --out <folder>.', usage);
    return console.log(makeKeys(path.resolve(values.out)).join('\n'));
  }
  if (command !== 'issue') throw new ClearError(`There is no command ${command ?? ''}.`, usage);
  const tokens = await issueIdentities({
    count: number(values, 'count', mostIdentities),
    name: values.name,
    ttl: number(values, 'ttl', longestTtl),
    use: values.internal ? 'internal' : 'load',
    limits: limitsOf(values),
    key: readKey(values.key ?? identityKeyFiles().privateFile),
  });
  if (!values.out) return console.log(tokens.join('\n'));
  fs.writeFileSync(values.out, `${JSON.stringify(tokens)}\n`, { mode: 0o600 });
  return console.log(`${tokens.length} identities are in ${values.out}`);
}

function limitsOf(values) {
  const given = ['api', 'auth'].filter((name) => values[name] !== undefined);
  return Object.fromEntries(given.map((name) => [name, number(values, name, 1_000_000_000)]));
}

function number(values, name, most) {
  const text = values[name];
  if (text === undefined) return undefined;
  if (!/^\d{1,10}$/.test(text) || Number(text) < 1 || Number(text) > most)
    throw new ClearError(`--${name} must be a whole number from 1 to ${most}, not ${text}.`);
  return Number(text);
}

function readKey(file) {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch (cause) {
    throw new ClearError(
      `The key ${file} cannot be read: ${cause.code}.`,
      '`keys --out <folder>` makes one.',
      {
        cause,
      },
    );
  }
}

function parse(args) {
  const text = { type: 'string' };
  const options = {
    key: text,
    count: text,
    name: text,
    ttl: text,
    api: text,
    auth: text,
    internal: { type: 'boolean' },
    out: text,
    help: { type: 'boolean' },
  };
  try {
    const { values, positionals } = parseArgs({ args, options, allowPositionals: true });
    if (positionals.length > 1) throw new Error(`${positionals[1]} is one word too many`);
    if (values.name !== undefined && !/^[\w.:-]{1,90}$/.test(values.name))
      throw new Error('--name may have letters, digits and . : - _');
    return { values, command: positionals[0] };
  } catch (error) {
    throw new ClearError(`${error.message}.`, usage);
  }
}

if (process.argv[1] && fs.realpathSync(process.argv[1]) === import.meta.filename) {
  await main(process.argv.slice(2)).catch((error) => {
    console.error(failureLine(error));
    process.exitCode = 1;
  });
}
