import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const root = path.resolve(__dirname, '../..');
const scratch = path.join(root, '.data/test');
let project: string;
let out: string;

beforeEach(() => {
  fs.mkdirSync(scratch, { recursive: true });
  project = fs.mkdtempSync(path.join(scratch, 'build-'));
  out = fs.mkdtempSync(path.join(os.tmpdir(), 'rostrum build-'));
  write('package.json', JSON.stringify({ name: '@rostrum/sample', version: '1.2.3' }));
});

afterEach(() => {
  fs.rmSync(project, { recursive: true, force: true });
  fs.rmSync(out, { recursive: true, force: true });
});

function write(name: string, text: string) {
  const file = path.join(project, name);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, text);
}

function build(projectRoot = path.relative(root, project)) {
  const script = path.join(root, 'tools/build/app.mjs');
  return spawnSync(process.execPath, [script, projectRoot, '--out', out], { encoding: 'utf8' });
}

function readOut(name: string) {
  return JSON.parse(fs.readFileSync(path.join(out, name), 'utf8')) as {
    dependencies: Record<string, string>;
    packages: Record<string, { version: string; optional?: boolean; dev?: boolean }>;
  };
}

describe('an app', () => {
  it('becomes a folder that installs from its own lockfile and runs with nothing else', () => {
    write('src/telemetry.ts', `import { retry } from 'cockatiel'; globalThis.wrapped = typeof retry;`);
    write(
      'src/main.ts',
      `import { WebSocket } from 'ws';
       import { hashSync } from '@node-rs/argon2';
       import { AppError } from '@rostrum/errors';
       console.log(globalThis.wrapped, typeof WebSocket, hashSync('x').slice(0, 9), typeof AppError);`,
    );
    write('migrations/20260101000000-first.ts', 'export const up: number = 1;');

    expect(build()).toMatchObject({ status: 0, stderr: '' });
    const install = spawnSync('npm', ['ci', '--omit=dev', '--prefer-offline'], {
      cwd: out,
      encoding: 'utf8',
    });
    expect([install.status, install.stderr]).toEqual([0, expect.any(String)]);
    const run = spawnSync(process.execPath, ['--require', './telemetry.js', 'main.js'], {
      cwd: out,
      encoding: 'utf8',
    });

    expect(run.stderr).toBe('');
    expect(run.stdout).toBe('function function $argon2id function\n');
    expect(fs.existsSync(path.join(out, 'migrations/20260101000000-first.js'))).toBe(true);
    const installed = fs.readdirSync(path.join(out, 'node_modules')).filter((name) => !name.startsWith('.'));
    expect(installed.sort()).toEqual(['@node-rs', 'cockatiel', 'ws']);
  });

  it('pins exactly what its bundles import, at the versions of the workspace', () => {
    write(
      'src/main.ts',
      `import express from 'express'; import { jwtVerify } from 'jose'; void [express, jwtVerify];`,
    );
    write(
      'src/worker.ts',
      `import fs from 'node:fs'; import type { Pool } from 'pg'; void [fs, {} as Pool];`,
    );

    expect(build()).toMatchObject({ status: 0 });

    const { version } = JSON.parse(
      fs.readFileSync(path.join(root, 'node_modules/express/package.json'), 'utf8'),
    ) as { version: string };
    expect(Object.keys(readOut('package.json').dependencies)).toEqual(['express', 'jose']);
    expect(readOut('package.json').dependencies['express']).toBe(version);
    const { packages } = readOut('package-lock.json');
    expect(packages['node_modules/body-parser']).toBeDefined();
    expect(packages['node_modules/pg']).toBeUndefined();
    expect(Object.values(packages).some((entry) => entry.dev)).toBe(false);
  });

  it('says what its migrations were written as, so that an edited one is known', () => {
    write('src/main.ts', 'export const a = 1;');
    write('migrations/20260101000000-first.ts', 'export const up: number\n  = 1;');
    expect(build()).toMatchObject({ status: 0 });
    // The same example is in the tests of libs/data-access, which has to agree.
    expect(readOut('migrations/checksums.json')).toEqual({ '20260101000000-first': 'c7b551547a33f693' });
  });

  it('is refused when it imports a package that only development has', () => {
    write('src/main.ts', `import prettier from 'prettier'; void prettier;`);
    const result = build();
    expect(result.status).toBe(1);
    expect(result.stderr).toMatch(/^prettier is imported .*npm install --save-prod prettier/);
  });

  it('keeps its last good build when the next one fails, and the failure names the place', () => {
    write('src/main.ts', 'export const a = 1;');
    expect(build()).toMatchObject({ status: 0 });
    const before = fs.readFileSync(path.join(out, 'main.js'), 'utf8');
    write('src/main.ts', 'export const a = ;');
    const result = build();
    expect(result.status).toBe(1);
    expect(result.stderr).toMatch(/src\/main\.ts:1:17: /);
    expect(fs.readFileSync(path.join(out, 'main.js'), 'utf8')).toBe(before);
  });

  it('loses the files of an earlier build that it no longer has', () => {
    write('src/main.ts', 'export const a = 1;');
    write('src/worker.ts', 'export const a = 1;');
    build();
    fs.rmSync(path.join(project, 'src/worker.ts'));
    build();
    expect(fs.readdirSync(out).sort()).toEqual([
      'main.js',
      'main.js.map',
      'package-lock.json',
      'package.json',
    ]);
  });
});

describe('a library', () => {
  it('is bundled by each of its public doors', () => {
    write(
      'package.json',
      JSON.stringify({
        name: '@rostrum/sample',
        exports: { '.': './src/index.ts', './extra': './src/extra.ts' },
      }),
    );
    write('src/index.ts', 'export const a = 1;');
    write('src/extra.ts', 'export const b = 1;');
    expect(build()).toMatchObject({ status: 0, stderr: '' });
    expect(fs.readdirSync(out).sort()).toEqual(['extra.js', 'extra.js.map', 'index.js', 'index.js.map']);
  });

  it('fails to build when an import leads nowhere', () => {
    write('src/index.ts', `export * from './missing';`);
    expect(build()).toMatchObject({ status: 1, stderr: expect.stringContaining('"./missing"') });
  });
});

describe('the command', () => {
  it('says what it wants when the project does not exist', () => {
    expect(build('libs/no-such-project')).toMatchObject({
      status: 1,
      stderr: 'libs/no-such-project is not a project of this workspace.\n',
    });
  });

  it('explains itself', () => {
    const help = spawnSync(process.execPath, [path.join(root, 'tools/build/app.mjs'), '--help'], {
      encoding: 'utf8',
    });
    expect(help).toMatchObject({ status: 0, stdout: expect.stringContaining('<projectRoot>') });
  });
});
