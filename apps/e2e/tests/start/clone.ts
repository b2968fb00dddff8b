import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import fs from 'node:fs';
import https from 'node:https';
import os from 'node:os';
import path from 'node:path';

const workspace = path.resolve(__dirname, '../../../..');

export interface RunState {
  pid: number;
  ready?: boolean;
  url: string;
  ports: Record<string, number>;
  children: { name: string; pid: number }[];
}

/** What a newcomer has: the repository's files and nothing else, at a path with a space in it. */
export class Clone {
  readonly home = fs.mkdtempSync(path.join(os.tmpdir(), 'rostrum clone-'));
  readonly folder = path.join(this.home, 'rostrum');

  constructor() {
    for (const name of this.git(
      workspace,
      'ls-files',
      '-z',
      '--cached',
      '--others',
      '--exclude-standard',
    ).split('\0')) {
      const source = path.join(workspace, name);
      if (name && fs.existsSync(source)) fs.cpSync(source, path.join(this.folder, name));
    }
    this.git(this.folder, 'init', '--quiet');
    this.git(this.folder, 'add', '--all');
    const author = ['-c', 'user.name=newcomer', '-c', 'user.email=newcomer@example.com'];
    this.git(this.folder, ...author, 'commit', '--quiet', '--message=clone');
  }

  private git(cwd: string, ...args: string[]): string {
    const { status, stdout, stderr } = spawnSync('git', args, { cwd, encoding: 'utf8', maxBuffer: 2 ** 26 });
    if (status !== 0) throw new Error(`git ${args.join(' ')}: ${stderr}`);
    return stdout;
  }

  changedFiles(): string {
    return this.git(this.folder, 'status', '--porcelain');
  }

  /** The command lines of everything that runs from this clone. */
  processes(): string[] {
    const shown = spawnSync('ps', ['-ww', '-eo', 'args='], { encoding: 'utf8' }).stdout;
    return shown.split('\n').filter((line) => line.includes(this.home));
  }

  state(): RunState {
    return JSON.parse(fs.readFileSync(path.join(this.folder, '.data/run/state.json'), 'utf8')) as RunState;
  }

  has(name: string): boolean {
    return fs.existsSync(path.join(this.folder, name));
  }

  read(name: string): string {
    return fs.readFileSync(path.join(this.folder, name), 'utf8').trim();
  }

  npmStart(args: string[] = [], env: Record<string, string> = {}): RunningCommand {
    // Nx keeps a cache per repository in the home folder, and this repository will be gone.
    const nx = {
      NX_CACHE_DIRECTORY: path.join(this.home, 'nx/cache'),
      NX_WORKSPACE_DATA_DIRECTORY: path.join(this.home, 'nx/data'),
    };
    return new RunningCommand(['npm', 'start', '--', ...args], this.folder, { ...nx, ...env });
  }

  dispose() {
    fs.rmSync(this.home, { recursive: true, force: true, maxRetries: 5 });
  }

  /** Through the gateway, trusting the certificate that it made. */
  ask(
    target: string,
    { token, body }: { token?: string; body?: object } = {},
  ): Promise<{ status: number; text: string }> {
    const options = {
      ca: this.read('.data/certs/localhost.pem'),
      method: body ? 'POST' : 'GET',
      headers: {
        ...(token && { authorization: `Bearer ${token}` }),
        ...(body && { 'content-type': 'application/json' }),
      },
    };
    return new Promise((resolve, reject) => {
      const request = https.request(new URL(target, this.state().url), options, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        response.once('end', () => resolve({ status: response.statusCode ?? 0, text }));
      });
      request.once('error', reject).end(body && JSON.stringify(body));
    });
  }
}

/** A command in a process group of its own, as a shell starts it, so that it can be sent a terminal's Ctrl-C. */
export class RunningCommand {
  readonly exit: Promise<number | null>;
  output = '';
  private readonly child: ChildProcess;
  private readonly listeners = new Set<() => void>();

  constructor([command = '', ...args]: string[], cwd: string, settings: Record<string, string>) {
    const env = Object.fromEntries(
      Object.entries(process.env).filter(
        ([name]) => !/^(npm_|NX_|TEST_|ROSTRUM_|JEST_|INIT_CWD$|NODE_ENV$)/.test(name),
      ),
    );
    this.child = spawn(command, args, {
      cwd,
      env: { ...env, PORTS: 'free', ...settings },
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.setEncoding('utf8').on('data', (chunk: string) => {
        this.output += chunk;
        this.listeners.forEach((check) => check());
      });
    }
    this.exit = new Promise((resolve) => this.child.once('close', resolve));
  }

  /** Resolves when the output holds this; rejects with all of it when the command ends before. */
  async says(pattern: RegExp): Promise<void> {
    const heard = new Promise<true>((resolve) => {
      const check = () => pattern.test(this.output) && resolve(true);
      this.listeners.add(check);
      check();
    });
    const found = await Promise.race([heard, this.exit]);
    if (found !== true && !pattern.test(this.output))
      throw new Error(`It ended without ${pattern}:\n${this.output}`);
  }

  /** What a terminal does: the signal goes to every process of the foreground group. */
  signal(signal: NodeJS.Signals) {
    process.kill(-(this.child.pid ?? 0), signal);
  }
}
