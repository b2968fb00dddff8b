import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { bundleProgram } from '@rostrum/testing/bundle-program';
import type { PostsApp } from './posts-app';

/** The real worker, in processes that can be killed. */
export class WorkerProcesses {
  private readonly running: ChildProcess[] = [];

  private constructor(
    private readonly app: PostsApp,
    private readonly program: { folder: string; file: string },
  ) {}

  static async open(app: PostsApp): Promise<WorkerProcesses> {
    const program = await bundleProgram(path.join(__dirname, '../src/worker.ts'));
    return new WorkerProcesses(app, program);
  }

  start(settings: Record<string, string> = {}): ChildProcess {
    const child = spawn(process.execPath, [this.program.file], {
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
    fs.rmSync(this.program.folder, { recursive: true, force: true });
  }
}
