import fs from 'node:fs';
import path from 'node:path';
import { findOnPath, runCommand } from './child-process.mjs';
import { cacheDir } from './workspace.mjs';

const commandLimitMs = 180_000;

export const hasApt = () => Boolean(findOnPath('apt-get') && findOnPath('dpkg'));

/**
 * Unpacks packages of Debian or Ubuntu into a folder: nothing is installed and no service starts. Packages come through
 * apt, so their origin is checked against the system's keys. Resolves to the program, with the libraries that the
 * system lacks beside it: `{ command, env }`. `locate` finds the program in the unpacked tree.
 */
export async function unpackDebianPackages(folder, { packages, locate, report, signal }) {
  const apt = new PrivateApt(path.join(folder, 'packages'), signal);
  await apt.download(packages, report);
  const root = path.join(folder, 'root');
  await apt.unpackInto(root);
  const command = locate(root);
  const env = { LD_LIBRARY_PATH: libraryFolders(root).join(':') };
  await addMissingLibraries(apt, packages, { root, command, env });
  env.LD_LIBRARY_PATH = libraryFolders(root).join(':');
  fs.rmSync(apt.folder, { recursive: true, force: true });
  return { command, env };
}

function libraryFolders(root) {
  const above = ['usr/lib', 'lib'].map((name) => path.join(root, name)).filter((name) => fs.existsSync(name));
  const triplets = above.flatMap((lib) =>
    fs
      .readdirSync(lib)
      .filter((name) => name.includes('-linux-'))
      .map((name) => path.join(lib, name)),
  );
  return [...triplets, ...above];
}

async function addMissingLibraries(apt, unpacked, { root, command, env }) {
  let packages = unpacked;
  for (let depth = 0; depth < 3 && (await lacksLibraries(command, env)); depth += 1) {
    packages = await apt.dependenciesOf(packages);
    await apt.download(packages, () => {});
    await apt.unpackInto(root);
    env.LD_LIBRARY_PATH = libraryFolders(root).join(':');
  }
}

async function lacksLibraries(command, env) {
  const shown = await runCommand('ldd', [fs.realpathSync(command)], { env: { ...process.env, ...env } });
  return shown.includes('not found');
}

/** apt with lists and cache of its own, so that it works for users other than root and touches nothing of the system. */
class PrivateApt {
  constructor(folder, signal) {
    this.folder = folder;
    this.signal = signal;
    this.state = cacheDir('apt');
    this.unpacked = new Set();
    this.options = [];
  }

  async download(packages, report) {
    fs.mkdirSync(this.folder, { recursive: true });
    const fetch = () => this.#run('apt-get', ['download', ...packages]);
    try {
      await fetch();
    } catch (error) {
      // The system's package lists are missing or out of date: fetch lists of our own, once.
      if (this.options.length > 0) throw error;
      this.#useOwnLists();
      report("fetching the system's package lists");
      await this.#run('apt-get', ['update']);
      await fetch();
    }
  }

  async unpackInto(root) {
    const archives = fs.readdirSync(this.folder).filter((name) => name.endsWith('.deb'));
    for (const name of archives.filter((archive) => !this.unpacked.has(archive))) {
      await this.#run('dpkg', ['-x', path.join(this.folder, name), root]);
      this.unpacked.add(name);
    }
  }

  /** Direct dependencies, without the C library: mixing that one with the system's own breaks programs. */
  async dependenciesOf(packages) {
    const shown = await this.#run('apt-cache', ['depends', '--important', ...packages]);
    const names = [...shown.matchAll(/^\s+\|?(?:Pre)?Depends: ([a-z0-9][a-z0-9+.-]+)$/gm)].map(
      ([, name]) => name,
    );
    return [...new Set(names)].filter((name) => name.startsWith('lib') && !name.startsWith('libc6'));
  }

  #useOwnLists() {
    for (const name of ['lists/partial', 'cache/archives/partial']) {
      fs.mkdirSync(path.join(this.state, name), { recursive: true });
    }
    const settings = {
      'Dir::State::Lists': path.join(this.state, 'lists'),
      'Dir::Cache': path.join(this.state, 'cache'),
      'Debug::NoLocking': '1',
    };
    this.options = Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  }

  #run(program, args) {
    // An unreachable mirror must cost seconds, and apt's own user cannot enter a home folder.
    const common = ['Acquire::http::Timeout=5', 'Acquire::https::Timeout=5', 'APT::Sandbox::User=root'];
    const flags = program === 'dpkg' ? [] : [...common.flatMap((value) => ['-o', value]), ...this.options];
    const quiet = program === 'apt-get' ? ['-qq'] : [];
    const options = { cwd: this.folder, signal: this.signal, timeout: commandLimitMs };
    return runCommand(program, [...quiet, ...flags, ...args], options);
  }
}
