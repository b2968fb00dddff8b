import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { generateKeyPairSync } from 'node:crypto';
import { ConfigError, describeConfig, readConfig } from '@rostrum/config';
import { mainSettings } from './config';

const pemOf = (modulusLength: number) =>
  generateKeyPairSync('rsa', { modulusLength })
    .privateKey.export({ type: 'pkcs8', format: 'pem' })
    .toString();

const pem = pemOf(2048);
const complete = {
  DATABASE_URL: 'postgres://rostrum_auth:hunter2@127.0.0.1/rostrum',
  REDIS_URL: 'redis://127.0.0.1',
  JWT_ISSUER: 'https://auth.test',
  JWT_AUDIENCE: 'rostrum',
  JWT_SIGNING_KEY: pem,
  KMS_MASTER_KEY: `1:${Buffer.alloc(32, 7).toString('base64')}`,
  AUTH_SECRET: `1:${Buffer.alloc(32, 8).toString('base64')}`,
};

function problemsOf(environment: Record<string, string>): readonly string[] {
  try {
    readConfig(mainSettings, environment);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

it('has the production profile where nothing else is said', () => {
  expect(readConfig(mainSettings, complete)).toMatchObject({
    port: 8080,
    opsPort: 9080,
    jwtAccessTtl: 900,
    jwtRefreshTtl: 604_800,
    passwordHashQueue: 64,
    threadPoolSize: 4,
  });
});

it('reads the signing key from a file too', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'auth-config-'));
  const file = path.join(folder, 'key.pem');
  writeFileSync(file, pem);
  expect(
    readConfig(mainSettings, { ...complete, JWT_SIGNING_KEY: '', JWT_SIGNING_KEY_FILE: file }).jwtSigningKey,
  ).toContain('BEGIN PRIVATE KEY');
  rmSync(folder, { recursive: true });
});

it('says what is wrong with a signing key, and with everything else at once', () => {
  const problems = problemsOf({
    ...complete,
    JWT_SIGNING_KEY: pemOf(1024),
    JWT_ISSUER: '',
    PASSWORD_HASH_QUEUE: '-1',
  });
  expect(problems.toSorted()).toEqual([
    expect.stringMatching(/^JWT_ISSUER is not set/),
    expect.stringMatching(/^JWT_SIGNING_KEY .*at least 2048 bits, not 1024/),
    expect.stringMatching(/^PASSWORD_HASH_QUEUE is "-1"/),
  ]);
});

it('says in which line of the master keys it is wrong, and shows none of them', () => {
  const key = Buffer.alloc(32, 9).toString('base64');
  const [problem, ...others] = problemsOf({ ...complete, KMS_MASTER_KEY: `old:${key}\n${key}` });
  expect(others).toEqual([]);
  expect(problem).toMatch(/^KMS_MASTER_KEY .*line 2/);
  expect(problem).not.toContain(key.slice(0, 8));
});

it('shows itself without its secrets', () => {
  const text = describeConfig(mainSettings, readConfig(mainSettings, complete)).join('\n');
  expect(text).toContain('JWT_SIGNING_KEY=(secret)');
  expect(text).toContain('KMS_MASTER_KEY=(secret)');
  expect(text).not.toMatch(/hunter2|PRIVATE KEY|BwcH/);
});
