/**
 * Asks about people who are there and people who are not, in random order, one after the other on one connection, and
 * prints as JSON how long each answer took: `timing-client.js <url> <tries>`.
 */
import { randomBytes, randomInt } from 'node:crypto';
import { Client } from 'undici';

interface Try {
  exists: boolean;
  ms: number;
}

interface Subject {
  email: string;
  exists: boolean;
}

const json = { 'content-type': 'application/json' };
const password = 'correct horse battery';
const atOnce = 4;
const warmUps = 100;

const name = () => `t${randomBytes(10).toString('hex')}`;
const newEmail = () => `${name()}@example.com`;

async function main(): Promise<void> {
  const [url = '', tries = '2000'] = process.argv.slice(2);
  const client = new Client(url, { pipelining: 1 });
  const post = async (path: string, body: object, expected: number): Promise<number> => {
    const startedAt = performance.now();
    const response = await client.request({
      path,
      method: 'POST',
      headers: json,
      body: JSON.stringify(body),
    });
    await response.body.dump();
    const ms = performance.now() - startedAt;
    if (response.statusCode !== expected) throw new Error(`${path} was answered ${response.statusCode}`);
    return ms;
  };
  const register = (email: string) =>
    post('/api/v1/auth/register', { email, username: name(), password }, 201);

  const half = Math.ceil(Number(tries) / 2);
  const known = Array.from({ length: half }, newEmail);
  const queue = [...known];
  const work = async () => {
    for (let email = queue.pop(); email !== undefined; email = queue.pop()) await register(email);
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  // Before people are asked about by name, so that none of them has been asked about before.
  const asks: [string, (email: string) => Promise<number>][] = [
    [
      'login',
      (email) => post('/api/v1/auth/login', { identifier: email, password: 'wrong horse battery' }, 401),
    ],
    ['reset', (email) => post('/api/v1/auth/password/forgot', { email }, 202)],
    ['sign-up', register],
  ];
  const results: Record<string, Try[]> = {};
  for (const [what, ask] of asks) {
    for (let n = 0; n < warmUps; n += 1) await ask(newEmail());
    results[what] = [];
    for (const { email, exists } of shuffled(known)) results[what].push({ exists, ms: await ask(email) });
  }
  process.stdout.write(JSON.stringify(results));
  await client.close();
}

/** All who are there, and as many who are not, in random order. */
function shuffled(known: readonly string[]): Subject[] {
  const subjects = known.flatMap((email) => [
    { email, exists: true },
    { email: newEmail(), exists: false },
  ]);
  for (let last = subjects.length - 1; last > 0; last -= 1) {
    const other = randomInt(last + 1);
    [subjects[last], subjects[other]] = [subjects[other] as Subject, subjects[last] as Subject];
  }
  return subjects;
}

void main();
