import { spawn, spawnSync } from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';

const platform = `${process.platform}-${process.arch}`;
let folder: string;
let server: http.Server;
let downloads: number;
let answer: (response: http.ServerResponse, url: string) => void;
let archive: Archive;
let goArchives: Record<string, Archive>;

interface Archive {
  url: string;
  sha256: string;
  member: string;
}

beforeEach(async () => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'rostrum cache-'));
  fs.mkdirSync(path.join(folder, 'module'));
  fs.mkdirSync(path.join(folder, 'bin'));
  fs.writeFileSync(path.join(folder, 'module/go.mod'), 'module sample\n\ngo 1.26.0\n');
  const file = packTool('1.2.3');
  downloads = 0;
  answer = (response) => response.end(fs.readFileSync(file));
  server = http.createServer(({ url = '' }, response) => {
    downloads += 1;
    answer(response, url);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  archive = archiveOf(file, 'sample-1.2.3/sample');
  goArchives = {};
});

afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  fs.rmSync(folder, { recursive: true, force: true });
});

function writeTool(file: string, version: string) {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, `#!/bin/sh\necho "sample v${version}"\n`, { mode: 0o755 });
}

function archiveOf(file: string, member: string): Archive {
  const { port } = server.address() as AddressInfo;
  const sha256 = crypto.createHash('sha256').update(fs.readFileSync(file)).digest('hex');
  return { url: `http://127.0.0.1:${port}/${path.basename(file)}`, sha256, member };
}

function packTool(version: string): string {
  writeTool(path.join(folder, `sample-${version}/sample`), version);
  const file = path.join(folder, 'sample.tar.gz');
  spawnSync('tar', ['-czf', file, '-C', folder, `sample-${version}`]);
  return file;
}

/** Provides the tool in a process of its own, where neither Go nor the tool is on PATH unless a test puts it there. */
function provide(
  env: Record<string, string> = {},
): Promise<{ path?: string; error?: string; reports: string[] }> {
  const script = `
    import { provideBinary } from ${JSON.stringify(path.join(__dirname, 'provide-binary.mjs'))};
    const { archives, goArchives, folder } = JSON.parse(process.env.SAMPLE);
    const tool = {
      name: 'sample', version: '1.2.3', versionArgs: [], versionPattern: /v(\\d+\\.\\d+\\.\\d+)/, archives,
      goModule: { folder, package: 'sample', ldflags: '', goArchives },
    };
    const reports = [];
    const result = await provideBinary(tool, { report: (line) => reports.push(line) })
      .then((path) => ({ path }), (error) => ({ error: error.line ?? error.stack }));
    process.stdout.write(JSON.stringify({ ...result, reports }));`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    env: {
      PATH: `${folder}/bin:/usr/bin:/bin`,
      XDG_CACHE_HOME: path.join(folder, 'cache'),
      SAMPLE: JSON.stringify({
        archives: { [platform]: archive },
        goArchives,
        folder: path.join(folder, 'module'),
      }),
      ...env,
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return new Promise((resolve) => {
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    child.once('close', () => resolve(JSON.parse(text) as Awaited<ReturnType<typeof provide>>));
  });
}

const runs = (file = '') => spawnSync(file, { encoding: 'utf8' }).stdout;

it('gets the release archive once and then lives from the cache', async () => {
  const first = await provide();
  expect(runs(first.path)).toBe('sample v1.2.3\n');
  expect(first.path).toMatch(/cache\/rostrum\/sample\/1\.2\.3-[0-9a-f]{16}\/sample$/);
  expect(await provide()).toEqual({ path: first.path, reports: [] });
  expect(downloads).toBe(1);
});

it('gets it once when two want it at the same time', async () => {
  const [first, second] = await Promise.all([provide(), provide()]);
  expect(first.path).toBe(second.path);
  expect(runs(first.path)).toBe('sample v1.2.3\n');
  expect(downloads).toBe(1);
});

it('is not held up by the lock of a process that died', async () => {
  const { path: installed = '' } = await provide();
  fs.rmSync(path.dirname(installed), { recursive: true });
  fs.writeFileSync(`${path.dirname(installed)}.lock`, String(2 ** 22 + 1));
  expect((await provide()).path).toBe(installed);
});

it('does not run what somebody has changed in the cache', async () => {
  const { path: installed = '' } = await provide();
  writeTool(installed, '6.6.6');
  const again = await provide();
  expect(again.reports[0]).toMatch(/is not what was installed there/);
  expect(runs(again.path)).toBe('sample v1.2.3\n');
});

it('refuses an archive that is not the pinned one, and keeps nothing of it', async () => {
  archive.sha256 = '0'.repeat(64);
  const { error } = await provide();
  expect(error).toMatch(
    /official release archive: .*not the pinned 0000.*Install sample 1\.2\.3 or newer on PATH/,
  );
  const kept = fs.readdirSync(path.join(folder, 'cache/rostrum/sample'));
  expect(kept).toEqual([]);
});

it('says which ways it tried when none works', async () => {
  answer = (response) => response.writeHead(503).end();
  const { error } = await provide();
  expect(error).toMatch(
    /the server answered 503.*build from pinned Go modules: Go 1\.26\.0 or newer is not on PATH/,
  );
});

it('gives a server that does not answer seconds, not minutes', async () => {
  answer = () => undefined;
  const began = performance.now();
  const { error } = await provide();
  expect(error).toMatch(/no answer within 5000 ms/);
  expect(performance.now() - began).toBeLessThan(20_000);
});

it.each([
  ['go version go1.25.9 linux/amd64', 'go1.25.9', /Go 1\.26\.0 or newer is needed, and this one is 1\.25\.9/],
  ['a Go that cannot build it', 'go1.26.0', /build from pinned Go modules: go build failed: it is broken/],
])('does not build with %s', async (_, version, message) => {
  answer = (response) => response.writeHead(404).end();
  const go = `#!/bin/sh\nif [ "$1" = env ]; then echo ${version}; else echo it is broken >&2; exit 2; fi\n`;
  fs.writeFileSync(path.join(folder, 'bin/go'), go, { mode: 0o755 });
  expect((await provide()).error).toMatch(message);
});

/** Stands for Go: gives what it builds a file that is there already. */
function writeGo(file: string, version: string) {
  const built = path.join(folder, 'built');
  writeTool(built, '1.2.3');
  const go = [
    '#!/bin/sh',
    `if [ "$1" = env ]; then echo go${version}; exit; fi`,
    '[ "$GOFLAGS $GOTOOLCHAIN" = "-mod=readonly local" ] || exit 3',
    'while [ "$1" != -o ]; do shift; done',
    `cp '${built}' "$2"`,
  ];
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, `${go.join('\n')}\n`, { mode: 0o755 });
}

it('builds with Go what no archive gives, from the pinned modules and with the Go that is here', async () => {
  answer = (response) => response.writeHead(404).end();
  writeGo(path.join(folder, 'bin/go'), '1.26.1');
  expect(runs((await provide()).path)).toBe('sample v1.2.3\n');
});

it.each([
  ['there is no Go', undefined],
  ['Go is too old', '1.25.9'],
])('fetches the compiler too where %s, once', async (_, onPath) => {
  if (onPath) writeGo(path.join(folder, 'bin/go'), onPath);
  writeGo(path.join(folder, 'release/go/bin/go'), '1.26.0');
  const file = path.join(folder, 'go.tar.gz');
  spawnSync('tar', ['-czf', file, '-C', path.join(folder, 'release'), 'go']);
  goArchives = { [platform]: archiveOf(file, 'go') };
  answer = (response, url) =>
    url === '/go.tar.gz' ? response.end(fs.readFileSync(file)) : response.writeHead(404).end();
  const first = await provide();
  expect(runs(first.path)).toBe('sample v1.2.3\n');
  fs.rmSync(path.dirname(first.path ?? ''), { recursive: true });
  expect((await provide()).reports.join()).not.toContain('fetching the Go compiler');
});

it('does not build with a compiler that is not the pinned one', async () => {
  answer = (response) => response.end('something else');
  goArchives = { [platform]: { ...archive, sha256: '0'.repeat(64) } };
  expect((await provide()).error).toMatch(
    /Go 1\.26\.0 or newer is not on PATH, and its release .*not the pinned 0000/,
  );
});

it.each([
  ['the same version', '1.2.3', true],
  ['a newer one', '1.10.0', true],
  ['an older one', '1.2.2', false],
  ['another major version', '2.0.0', false],
])('takes one from PATH if it fits: %s', async (_, version, fits) => {
  writeTool(path.join(folder, 'bin/sample'), version);
  const provided = await provide();
  expect(provided.path === path.join(folder, 'bin/sample')).toBe(fits);
  expect(downloads).toBe(fits ? 0 : 1);
});

it('takes the one that the user names, or says that it is none', async () => {
  writeTool(path.join(folder, 'elsewhere'), '9.9.9');
  expect((await provide({ SAMPLE_BIN: path.join(folder, 'elsewhere') })).path).toBe(
    path.join(folder, 'elsewhere'),
  );
  expect((await provide({ SAMPLE_BIN: '/bin/false' })).error).toMatch(
    /SAMPLE_BIN \(\/bin\/false\) is no working sample/,
  );
});
