import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const root = path.resolve(__dirname, '../..');

export interface Outcome {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs the commands of tools/start against a data folder and ports of the test's own. */
export class StartCommand {
  readonly dataDir = fs.mkdtempSync(path.join(os.tmpdir(), 'rostrum data-'));
  readonly others: ChildProcess[] = [];

  run(script: 'main' | 'reset', args: string[] = [], env: Record<string, string> = {}): Promise<Outcome> {
    const child = spawn(process.execPath, [path.join(__dirname, `${script}.mjs`), ...args], {
      cwd: root,
      env: {
        ...process.env,
        PORTS: 'free',
        ROSTRUM_DATA_DIR: this.dataDir,
        ROSTRUM_ENV_FILE: path.join(this.dataDir, 'none.env'),
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const stdout = collect(child.stdout);
    const stderr = collect(child.stderr);
    return new Promise((resolve) => {
      child.once('close', (code) => resolve({ code, stdout: stdout(), stderr: stderr() }));
    });
  }

  /** A process that lives until it is ended, with these words in its command line. */
  async idle(...words: string[]): Promise<{ pid: number; ended: Promise<NodeJS.Signals | null> }> {
    const script = `process.stdout.write('up'); setInterval(() => {}, 1000)`;
    const child = spawn(process.execPath, ['-e', script, ...words], {
      detached: true,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    this.others.push(child);
    const ended = new Promise<NodeJS.Signals | null>((resolve) =>
      child.once('exit', (_, signal) => resolve(signal)),
    );
    await new Promise((resolve) => child.stdout.once('data', resolve));
    return { pid: child.pid ?? 0, ended };
  }

  writeState(state: { pid: number; children: object[] }) {
    fs.mkdirSync(path.join(this.dataDir, 'run'), { recursive: true });
    fs.writeFileSync(path.join(this.dataDir, 'run/state.json'), JSON.stringify(state));
  }

  /** The command lines of all processes that work on this data folder. */
  processes(): string[] {
    const shown = spawnSync('ps', ['-ww', '-eo', 'args='], { encoding: 'utf8' }).stdout;
    return shown.split('\n').filter((line) => line.includes(this.dataDir));
  }

  dispose() {
    for (const child of this.others) child.kill('SIGKILL');
    fs.rmSync(this.dataDir, { recursive: true, force: true });
  }
}

function collect(stream: NodeJS.ReadableStream) {
  let text = '';
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => (text += chunk));
  return () => text;
}
