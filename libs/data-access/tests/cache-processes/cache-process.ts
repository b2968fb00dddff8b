import { fork, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import path from 'node:path';
import { buildSync } from 'esbuild';
import type { Order } from './messages';

const root = path.resolve(__dirname, '../../../..');

/** The child's program, bundled as a deployable is: packages stay outside. */
export class CacheProgram {
  private readonly folder = mkdtempSync(path.join(root, 'node_modules', '.cache-test-'));
  private readonly file = path.join(this.folder, 'cache-child.cjs');
  private readonly running = new Set<CacheProcess>();

  constructor() {
    buildSync({
      entryPoints: [path.join(__dirname, 'cache-child.ts')],
      outfile: this.file,
      bundle: true,
      platform: 'node',
      target: 'node24',
      external: ['pg', 'ioredis', 'lru-cache'],
      logLevel: 'error',
    });
  }

  async start(
    ...args: [redisUrl: string, databaseUrl: string, commandTimeoutMs?: string]
  ): Promise<CacheProcess> {
    const child = fork(this.file, args as string[], { execArgv: [] });
    const started = new CacheProcess(child);
    this.running.add(started);
    await started.ready;
    return started;
  }

  remove(): void {
    for (const each of this.running) each.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

interface Reply {
  id: number;
  result?: unknown;
  error?: string;
}

export class CacheProcess {
  readonly ready: Promise<unknown>;
  private readonly waiting = new Map<number, PromiseWithResolvers<unknown>>();
  private lastId = 0;

  constructor(private readonly child: ChildProcess) {
    this.ready = this.expect(0);
    child.on('message', ({ id, result, error }: Reply) => {
      if (error === undefined) this.waiting.get(id)?.resolve(result);
      else this.waiting.get(id)?.reject(new Error(error));
    });
    child.once('exit', () => {
      for (const { reject } of this.waiting.values()) reject(new Error('The process is gone'));
    });
  }

  tell<T>(order: Omit<Order, 'id'>): Promise<T> {
    this.lastId += 1;
    this.child.send({ ...order, id: this.lastId });
    return this.expect(this.lastId) as Promise<T>;
  }

  /** Ends it without a chance to tidy up. */
  kill(): void {
    this.child.kill('SIGKILL');
  }

  private expect(id: number): Promise<unknown> {
    const waiting = Promise.withResolvers<unknown>();
    this.waiting.set(id, waiting);
    waiting.promise.catch(() => undefined);
    return waiting.promise;
  }
}
