/**
 * Development data:  npm run seed [-- options]
 *
 * A few people who follow each other and have posted, made through the public API alone. May be run again: accounts
 * that exist are logged in to, and only who has no post yet posts.
 */
import fs from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { ClearError, failureLine } from '../native/clear-error.mjs';
import { dataDir } from '../native/workspace.mjs';
import { Account } from './seed/account.mjs';
import { createApiClient } from './seed/api-client.mjs';
import { follows, people, rounds } from './seed/people.mjs';
import { readOrMakePassword } from './seed/seed-password.mjs';

const gateway = 'https://localhost:8443';
const certificateFile = path.join(dataDir, 'certs/localhost.pem');
const defaultPasswordFile = path.join(dataDir, 'secrets/seed-password');

const usage = `npm run seed [-- options]

Makes a few people who follow each other and have posted, through the public API. May be run again.

  --url <url>              the gateway (${gateway})
  --ca <file>              the certificate to trust (${shown(certificateFile)})
  --password-file <file>   holds the accounts' password; made where it is missing (${shown(defaultPasswordFile)})
  --help                   shows this`;

/**
 * Makes the data. `ca` is PEM text. `log` is called with each line, at the end with the accounts, where their password
 * is (and what it is, when it has just been made) and two commands to try. Resolves to `{ accounts, password }`.
 */
export async function seed({
  url = gateway,
  ca = readIfThere(certificateFile),
  passwordFile = defaultPasswordFile,
  log = console.log,
} = {}) {
  const credentials = readOrMakePassword(passwordFile);
  const api = createApiClient({ url, ca, log });
  try {
    const accounts = new Map(people.map((username) => [username, new Account(api, username)]));
    const made = [];
    for (const account of accounts.values()) if (await account.enter(credentials)) made.push(account);
    const posts = await writePosts(accounts);
    for (const [username, followees] of Object.entries(follows)) {
      for (const followee of followees) await accounts.get(username).follow(followee);
    }
    log(`Development data: ${made.length} accounts and ${posts} posts made`);
  } finally {
    api.close();
  }
  const { password, isNew } = credentials;
  log(`Accounts: ${people.join(', ')}`);
  log(
    `Their password ${isNew ? `is ${password} (kept in ${shown(passwordFile)})` : `is in ${shown(passwordFile)}`}`,
  );
  log(`Try it:\n${exampleOf(url, passwordFile)}`);
  return { accounts: people, password };
}

/** Round by round, so that a feed shows several people. Resolves to how many posts were written. */
async function writePosts(accounts) {
  const silent = new Set();
  for (const account of accounts.values()) if (!(await account.hasPosted())) silent.add(account.username);
  let written = 0;
  for (const round of rounds) {
    for (const [username, text] of Object.entries(round).filter(([name]) => silent.has(name))) {
      await accounts.get(username).post(text);
      written += 1;
    }
  }
  return written;
}

/** Two commands that can be pasted into a shell. */
function exampleOf(url, passwordFile) {
  const curl = url.startsWith('https:') ? `curl -s --cacert ${shown(certificateFile)}` : 'curl -s';
  const login = `{"identifier":"${people[0]}","password":"'"$(cat ${shown(passwordFile)})"'"}`;
  const tokenOf = `sed 's/.*"accessToken":"\\([^"]*\\)".*/\\1/'`;
  return [
    `  TOKEN=$(${curl} ${url}/api/v1/auth/login -H 'Content-Type: application/json' \\`,
    `    -d '${login}' | ${tokenOf})`,
    `  ${curl} ${url}/api/v1/feed -H "Authorization: Bearer $TOKEN"`,
  ].join('\n');
}

/** As short as it can be said where the reader is. */
function shown(file) {
  const relative = path.relative(process.cwd(), file);
  return relative.startsWith('..') ? file : relative;
}

function readIfThere(file) {
  return fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : undefined;
}

async function main(args) {
  const { url, ca, help, 'password-file': passwordFile } = parse(args);
  if (help) return console.log(usage);
  if (ca && !fs.existsSync(ca)) throw new ClearError(`There is no certificate ${ca}.`);
  await seed({
    url,
    ca: ca && readIfThere(ca),
    passwordFile: passwordFile && path.resolve(passwordFile),
  });
}

function parse(args) {
  const text = { type: 'string' };
  const options = { url: text, ca: text, 'password-file': text, help: { type: 'boolean' } };
  try {
    const { values } = parseArgs({ args, options });
    if (values.url && !/^https?:$/.test(new URL(values.url).protocol))
      throw new Error(`${values.url} is no web address`);
    return values;
  } catch (error) {
    throw new ClearError(`${error.message}.\n${usage}`);
  }
}

if (process.argv[1] && fs.realpathSync(process.argv[1]) === import.meta.filename) {
  await main(process.argv.slice(2)).catch((error) => {
    console.error(failureLine(error));
    process.exitCode = 1;
  });
}
