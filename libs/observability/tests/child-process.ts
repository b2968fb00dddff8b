import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import path from 'node:path';
import { buildSync } from 'esbuild';

/** What is loaded from node_modules at run time, as in a deployable; the project's own libraries are bundled. */
const EXTERNAL = ['winston', 'sonic-boom', 'prom-client', 'pg', 'ioredis', '@opentelemetry/*'];

const root = path.resolve(__dirname, '../../..');

/** A test program of tests/children, bundled as an app would be: packages stay outside, so that they can be wrapped. */
export class ChildProgram {
  private readonly folder: string;
  private readonly file: string;
  private readonly preload: string | undefined;
  private readonly running = new Set<ChildProcess>();

  /** `preload` is a second program that is loaded first, as a service loads its telemetry. */
  constructor(name: string, preload?: string) {
    this.folder = mkdtempSync(path.join(root, 'node_modules', '.observability-test-'));
    this.file = this.bundle(name);
    this.preload = preload === undefined ? undefined : this.bundle(preload);
  }

  start(args: string[], stdio: StdioOptions = ['ignore', 'pipe', 'pipe', 'ipc']): ChildProcess {
    const child = spawn(process.execPath, [...this.flags(), this.file, ...args], { stdio });
    this.running.add(child);
    child.once('exit', () => this.running.delete(child));
    return child;
  }

  /** The command line, for tests that start it through a shell. */
  command(args: string[]): string {
    return [process.execPath, this.file, ...args].map((part) => `'${part}'`).join(' ');
  }

  private flags(): string[] {
    return this.preload === undefined ? [] : ['--require', this.preload];
  }

  private bundle(name: string): string {
    const outfile = path.join(this.folder, `${name}.cjs`);
    buildSync({
      entryPoints: [path.join(__dirname, 'children', `${name}.ts`)],
      outfile,
      bundle: true,
      platform: 'node',
      target: 'node24',
      packages: 'bundle',
      external: EXTERNAL,
      logLevel: 'error',
    });
    return outfile;
  }

  remove(): void {
    for (const child of this.running) child.kill('SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export function exitOf(child: ChildProcess): Promise<{ code: number | null; signal: NodeJS.Signals | null }> {
  return new Promise((resolve) => child.once('exit', (code, signal) => resolve({ code, signal })));
}

export async function collect(stream: NodeJS.ReadableStream | null): Promise<string> {
  let text = '';
  for await (const chunk of stream ?? []) text += String(chunk);
  return text;
}
