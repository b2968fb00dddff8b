import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { bundleProgram } from '@rostrum/testing/bundle-program';
import type { WorkerSettings } from './children/worker';

/** Workers in processes of their own: what happens to a process cannot be played. */
export class WorkerProcesses {
  private readonly running = new Map<string, ChildProcess>();
  private started = 0;

  private constructor(
    private readonly program: { folder: string; file: string },
    private readonly common: Omit<WorkerSettings, 'role' | 'member'>,
  ) {}

  static async prepare(common: Omit<WorkerSettings, 'role' | 'member'>): Promise<WorkerProcesses> {
    const program = await bundleProgram(path.join(__dirname, 'children/worker.ts'));
    return new WorkerProcesses(program, common);
  }

  /** Resolves with its member's name once it works. Without a name it has one that nobody had before. */
  async start(role: WorkerSettings['role'], member = `worker-${(this.started += 1)}`): Promise<string> {
    const settings: WorkerSettings = { ...this.common, role, member };
    const child = spawn(process.execPath, [this.program.file, JSON.stringify(settings)], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    this.running.set(member, child);
    child.once('exit', () => this.running.get(member) === child && this.running.delete(member));
    await Promise.race([once(child, 'message'), once(child, 'exit')]);
    return member;
  }

  get names(): string[] {
    return [...this.running.keys()];
  }

  isRunning(member: string): boolean {
    return this.running.has(member);
  }

  /** Ends it at once, in the middle of whatever it does. */
  async kill(member: string): Promise<void> {
    const child = this.running.get(member);
    if (!child) return;
    const exit = once(child, 'exit');
    child.kill('SIGKILL');
    await exit;
  }

  freeze(member: string): void {
    this.running.get(member)?.kill('SIGSTOP');
  }

  thaw(member: string): void {
    this.running.get(member)?.kill('SIGCONT');
  }

  async remove(): Promise<void> {
    await Promise.all(this.names.map((member) => this.kill(member)));
    fs.rmSync(this.program.folder, { recursive: true, force: true });
  }
}
