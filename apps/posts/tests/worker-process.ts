import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { build } from 'esbuild';
import type { PostsApp } from './posts-app';

const root = path.resolve(__dirname, '../../..');

/** The real worker, in processes that can be killed. */
export class WorkerProcesses {
  private readonly running: ChildProcess[] = [];

  private constructor(
    private readonly app: PostsApp,
    private readonly folder: string,
  ) {}

  static async open(app: PostsApp): Promise<WorkerProcesses> {
    fs.mkdirSync(path.join(root, 'dist'), { recursive: true });
    const folder = fs.mkdtempSync(path.join(root, 'dist/test-posts-worker-'));
    await build({
      entryPoints: [path.join(__dirname, '../src/worker.ts')],
      outfile: path.join(folder, 'worker.cjs'),
      bundle: true,
      platform: 'node',
      target: 'node24',
      format: 'cjs',
      logLevel: 'error',
      plugins: [
        {
          name: 'packages-outside',
          setup: (builder) =>
            void builder.onResolve({ filter: /^[^./]/ }, ({ path: name, kind }) =>
              kind === 'entry-point' || name.startsWith('@rostrum/')
                ? undefined
                : { path: name, external: true },
            ),
        },
      ],
    });
    return new WorkerProcesses(app, folder);
  }

  start(settings: Record<string, string> = {}): ChildProcess {
    const child = spawn(process.execPath, [path.join(this.folder, 'worker.cjs')], {
      stdio: 'ignore',
      env: { PATH: process.env.PATH, ...this.app.environment, LOG_LEVEL: 'error', ...settings },
    });
    this.running.push(child);
    return child;
  }

  async kill(child: ChildProcess): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, 'exit');
    child.kill('SIGKILL');
    await exit;
  }

  async close(): Promise<void> {
    for (const child of this.running) await this.kill(child);
    fs.rmSync(this.folder, { recursive: true, force: true });
  }
}
