/**
 * The way into every command of this project:  node tools/bootstrap.mjs <script> [arguments]
 *
 * It runs on any Node from 20 and uses no package, because nothing may be installed yet: it installs what the lockfile
 * says if that changed, then runs the script on the Node that the lockfile pins, in a process group of its own, and
 * hands on signals and the exit code.
 */
import { spawn, spawnSync } from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const stampFile = path.join(root, 'node_modules/.rostrum-installed');
const oldestToStart = 20;
const oldestToRun = 22;
/** npm, its shell and the terminal may each hand us the same Ctrl-C. */
const sameSignalMs = 500;

const usage = `Usage: node tools/bootstrap.mjs <script> [arguments]
Installs the packages of package-lock.json if they changed, then runs the script on the project's own Node.`;

const say = (line) => process.stderr.write(`rostrum: ${line}\n`);
const fail = (line) => {
  say(line);
  process.exit(1);
};

const major = Number(process.versions.node.split('.')[0]);
if (major < oldestToStart) fail(`Node ${oldestToStart} or newer is needed, and this is ${process.version}.`);
const [script, ...args] = process.argv.slice(2);
if (!script || script === '--help') {
  console.log(usage);
  process.exit(script ? 0 : 2);
}
const scriptFile = path.resolve(root, script);
if (!fs.existsSync(scriptFile)) fail(`There is no script ${script}.`);

if (!isInstalled()) await inTurn(async () => isInstalled() || (await install()));
run(pinnedNode());

function isInstalled() {
  const wanted = lockfileStamp();
  if (readText(stampFile) === wanted) return true;
  if (!holdsEveryPackage()) return false;
  fs.writeFileSync(stampFile, wanted);
  return true;
}

function lockfileStamp() {
  const hash = crypto.createHash('sha256');
  for (const name of ['package-lock.json', '.npmrc']) hash.update(readText(path.join(root, name)) ?? '');
  return `${hash.digest('hex')} ${process.platform}-${process.arch}\n`;
}

/** After somebody's own `npm install`, npm's record of node_modules agrees with the lockfile already. */
function holdsEveryPackage() {
  const recorded = readText(path.join(root, 'node_modules/.package-lock.json'));
  if (!recorded) return false;
  const wanted = JSON.parse(fs.readFileSync(path.join(root, 'package-lock.json'), 'utf8')).packages;
  const found = JSON.parse(recorded).packages;
  return Object.entries(wanted).every(([place, entry]) => {
    if (!place.includes('node_modules/')) return true;
    const there = found[place];
    return there
      ? there.version === entry.version && there.integrity === entry.integrity
      : entry.optional === true;
  });
}

/** Two commands started together in a fresh clone must not install over each other. */
async function inTurn(work) {
  const lock = path.join(root, '.data/install.lock');
  fs.mkdirSync(path.dirname(lock), { recursive: true });
  for (let waited = false; !claim(lock); waited = true) {
    const holder = Number(readText(lock));
    if (holder && !isRunning(holder)) fs.rmSync(lock, { force: true });
    else if (!waited) say(`process ${holder} is installing packages; waiting for it`);
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  process.once('exit', () => fs.rmSync(lock, { force: true }));
  await work();
  fs.rmSync(lock, { force: true });
}

function claim(lock) {
  try {
    fs.writeFileSync(lock, String(process.pid), { flag: 'wx' });
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  }
}

function isRunning(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

async function install() {
  const began = Date.now();
  const seconds = () => `${Math.round((Date.now() - began) / 1000)} s`;
  say('installing the packages of package-lock.json');
  const ticker = setInterval(() => say(`still installing, ${seconds()}`), 10_000);
  if (!manifestMatchesLockfile()) {
    fail('package.json and package-lock.json do not agree. Run npm install and commit the lockfile.');
  }
  // Not `npm ci`: it refuses a lockfile without the packages of platforms that the registry it was made from did not
  // have, though they are optional. This installs the lockfile's versions too, and writes nothing but node_modules.
  // Development packages are wanted whatever NODE_ENV says.
  const flags = ['install', '--no-save', '--include=dev', '--include=optional'];
  const code = await runNpm([...flags, '--no-audit', '--no-fund', '--loglevel=error']);
  clearInterval(ticker);
  if (code !== 0)
    fail(`npm install failed (code ${code}); what it said is above. Mend that and run it again.`);
  fs.mkdirSync(path.dirname(stampFile), { recursive: true });
  fs.writeFileSync(stampFile, lockfileStamp());
  say(`installed in ${seconds()}`);
}

function manifestMatchesLockfile() {
  const read = (name) => JSON.parse(fs.readFileSync(path.join(root, name), 'utf8'));
  const manifest = read('package.json');
  const locked = read('package-lock.json').packages[''];
  const kinds = ['workspaces', 'dependencies', 'devDependencies', 'optionalDependencies'];
  const asText = (value = {}) => JSON.stringify(Object.entries(value).sort());
  return kinds.every((kind) => asText(manifest[kind]) === asText(locked[kind]));
}

function runNpm(flags) {
  const npm = process.env.npm_execpath;
  const byNode = npm && /\.c?js$/.test(npm) && path.basename(npm).startsWith('npm');
  const [command, argv] = byNode ? [process.execPath, [npm, ...flags]] : ['npm', flags];
  // npm's settings of the command that called us must not steer the installation.
  const env = Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !/^npm_(config_(omit|include|workspace|prefix|local_prefix)|lifecycle|package)/.test(name),
    ),
  );
  return new Promise((resolve) => {
    const child = spawn(command, argv, { cwd: root, env, stdio: ['ignore', 'ignore', 'inherit'] });
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
      process.once(signal, () => {
        child.kill(signal);
        child.once('exit', () => process.exit(130));
      });
    }
    child.once('error', (error) => fail(`npm could not be started: ${error.message}`));
    child.once('exit', (code) => {
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.removeAllListeners(signal);
      resolve(code ?? 1);
    });
  });
}

function pinnedNode() {
  const pinned = path.join(root, 'node_modules', `node-${process.platform}-${process.arch}`, 'bin/node');
  if (fs.existsSync(pinned) && spawnSync(pinned, ['--version'], { stdio: 'ignore' }).status === 0)
    return pinned;
  if (major >= oldestToRun) return process.execPath;
  return fail(
    `The project's own Node does not exist for ${process.platform}-${process.arch}, and this is ${process.version}. ` +
      `Run the command with Node ${oldestToRun} or newer.`,
  );
}

function run(node) {
  const env = { ...process.env, PATH: `${path.dirname(node)}${path.delimiter}${process.env.PATH ?? ''}` };
  // The channel tells the script when we die without a word.
  const stdio = ['inherit', 'inherit', 'inherit', 'ipc'];
  const child = spawn(node, [scriptFile, ...args], { cwd: root, env, stdio, detached: true });
  let lastAt = -Infinity;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      const now = performance.now();
      const again = now - lastAt < sameSignalMs;
      if (!again) child.kill(signal);
      if (!again) lastAt = now;
    });
  }
  child.once('error', (error) => fail(`${script} could not be started: ${error.message}`));
  child.once('exit', (code, signal) => process.exit(code ?? 128 + (os.constants.signals[signal] ?? 0)));
}

function readText(file) {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
