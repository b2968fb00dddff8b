import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import {
  ConfigError,
  databaseSettings,
  describeConfig,
  integer,
  portSettings,
  readConfig,
  redisSettings,
  secretText,
  serviceSettings,
  setting,
  startFromConfig,
} from './index';

const spec = {
  port: setting(integer(1, 65_535).default(8080), { env: 'PORT', doc: 'the port' }),
  name: setting(z.string(), { env: 'NAME', doc: 'the name' }),
  secret: setting(secretText(), { env: 'SECRET', doc: 'the secret', secret: true }),
};
const good = { NAME: 'posts', SECRET: 'a'.repeat(32) };

function problemsOf(environment: Record<string, string>): readonly string[] {
  try {
    readConfig(spec, environment);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

function fileWith(text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'config-'));
  folders.push(folder);
  const file = join(folder, 'value');
  writeFileSync(file, text);
  return file;
}

describe('readConfig', () => {
  it('types what it reads and fills in defaults', () => {
    expect(readConfig(spec, { ...good, PORT: '9000' })).toEqual({
      port: 9000,
      name: 'posts',
      secret: good.SECRET,
    });
    expect(readConfig(spec, good).port).toBe(8080);
  });

  it('reports every problem at once and never echoes a secret', () => {
    const problems = problemsOf({ PORT: 'eighty', SECRET: 'short-secret' });
    expect(problems).toHaveLength(3);
    expect(problems[0]).toContain('PORT is "eighty"');
    expect(problems[1]).toBe('NAME is not set (the name)');
    expect(problems[2]).toContain('SECRET is not valid');
    expect(problems.join()).not.toContain('short-secret');
  });

  it.each(['', ' ', '1e3', '0x10', 'Infinity', '70000', '1.5', '-1', 'NaN'])(
    'refuses %j as a port',
    (text) => {
      const problems = problemsOf({ ...good, PORT: text });
      expect(problems.length).toBe(text === '' ? 0 : 1);
    },
  );

  it('reads a value from NAME_FILE without its last line break', () => {
    const file = fileWith(`${'b'.repeat(40)}\n`);
    expect(readConfig(spec, { NAME: 'posts', SECRET_FILE: file }).secret).toBe('b'.repeat(40));
  });

  it('says why a file cannot be read, and refuses a value given twice', () => {
    expect(problemsOf({ NAME: 'posts', SECRET_FILE: '/nowhere/secret' })[0]).toContain(
      'SECRET_FILE=/nowhere/secret: ENOENT',
    );
    expect(problemsOf({ ...good, SECRET_FILE: fileWith('c') })[0]).toContain('both set');
  });

  it('takes no proxy list of "true"', () => {
    expect(() => readConfig(serviceSettings, { TRUSTED_PROXIES: 'true' })).toThrow('never "true"');
    expect(readConfig(serviceSettings, { TRUSTED_PROXIES: '10.0.0.0/8, ::1' }).trustedProxies).toEqual([
      '10.0.0.0/8',
      '::1',
    ]);
  });
});

describe('describeConfig', () => {
  it('prints itself without secrets', () => {
    const all = { ...serviceSettings, ...portSettings(1, 2), ...databaseSettings, ...redisSettings, ...spec };
    const environment = {
      ...good,
      DATABASE_URL: 'postgres://posts:hunter2@db/rostrum',
      REDIS_URL: 'redis://:hunter2@redis:6379',
    };
    const lines = describeConfig(all, readConfig(all, environment)).join('\n');
    expect(lines).toContain('PORT=8080');
    expect(lines).toContain('DATABASE_URL=(secret)');
    expect(lines).not.toContain('hunter2');
    expect(lines).not.toContain(good.SECRET);
  });
});

describe('startFromConfig', () => {
  const start = (args: string[], environment: Record<string, string>) => {
    const lines: string[] = [];
    const outcome = startFromConfig(spec, {
      arguments: args,
      environment,
      print: (line) => lines.push(line),
    });
    return { outcome, text: lines.join('\n') };
  };

  it('gives the configuration when it is valid', () => {
    expect(start([], good).outcome).toMatchObject({ run: { name: 'posts' } });
  });

  it('--check reads, prints and ends', () => {
    const { outcome, text } = start(['--check'], good);
    expect(outcome).toEqual({ exitCode: 0 });
    expect(text).toContain('The configuration is valid.');
    expect(text).not.toContain(good.SECRET);
    expect(start(['--check'], {}).outcome).toEqual({ exitCode: 1 });
  });

  it('--help documents every setting', () => {
    const { text } = start(['--help'], {});
    for (const { env, doc } of Object.values(spec)) expect(text).toContain(`${env}  ${doc}`);
    expect(text).toContain('default 8080');
  });
});
