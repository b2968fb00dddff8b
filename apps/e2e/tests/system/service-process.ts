import { spawn, type ChildProcess } from 'node:child_process';
import path from 'node:path';
import readline from 'node:readline';
import { waitFor } from '@rostrum/testing';

export interface ServiceProcessOptions {
  app: 'auth' | 'posts' | 'realtime';
  command: 'main' | 'worker';
  port: number;
  opsPort: number;
  environment: Record<string, string>;
}

export interface LogLine {
  level: string;
  message: string;
  request_id?: string;
  trace_id?: string;
  span_id?: string;
  [field: string]: unknown;
}

const dist = path.resolve(__dirname, '../../../../dist/apps');

/** One process of a service, run as in production: its own bundle, its own environment, signals and exit codes. */
export class ServiceProcess {
  /** Everything it has written, over all of its lives. */
  readonly lines: LogLine[] = [];
  private child: ChildProcess | undefined;
  private exited: Promise<number | NodeJS.Signals | null> = Promise.resolve(null);

  constructor(private readonly options: ServiceProcessOptions) {}

  get url(): string {
    return `http://127.0.0.1:${this.options.port}`;
  }

  get opsUrl(): string {
    return `http://127.0.0.1:${this.options.opsPort}`;
  }

  get opsPort(): number {
    return this.options.opsPort;
  }

  get pid(): number | undefined {
    return this.child?.pid;
  }

  async start(): Promise<void> {
    const { app, command, port, opsPort, environment } = this.options;
    const child = spawn(process.execPath, ['--require', './telemetry.js', `${command}.js`], {
      cwd: path.join(dist, app),
      env: { PATH: process.env['PATH'], PORT: String(port), OPS_PORT: String(opsPort), ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.child = child;
    this.exited = new Promise((resolve) => child.once('exit', (code, signal) => resolve(signal ?? code)));
    for (const stream of [child.stdout, child.stderr])
      readline.createInterface({ input: stream }).on('line', this.keep);
    await this.untilReady();
  }

  /** Runs another command of the same app, with the same settings, to its end. */
  async command(script: string, args: readonly string[]): Promise<{ code: number | null; text: string }> {
    const { app, environment } = this.options;
    const child = spawn(process.execPath, [`${script}.js`, ...args], {
      cwd: path.join(dist, app),
      env: { PATH: process.env['PATH'], ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let text = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes) => (text += String(bytes)));
    const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
    return { code, text };
  }

  async untilReady(timeoutMs = 60_000): Promise<void> {
    const ready = async () => {
      if (this.child?.exitCode !== null)
        throw new Error(`${this.name} ended: ${JSON.stringify(this.lines.slice(-5))}`);
      return (await this.readiness()) === 200;
    };
    await waitFor(ready, { timeoutMs, what: `${this.name} to be ready` }).catch((error: Error) => {
      throw new Error(`${error.message}: ${JSON.stringify(this.lines.slice(-5))}`, { cause: error });
    });
  }

  /** The status of its readiness probe; 0 while nothing answers. */
  async readiness(): Promise<number> {
    return this.probe('/readyz');
  }

  async liveness(): Promise<number> {
    return this.probe('/healthz');
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | NodeJS.Signals | null> {
    this.child?.kill(signal);
    return this.exited;
  }

  /** Its lines about one request. */
  linesOf(requestId: string): LogLine[] {
    return this.lines.filter((line) => line.request_id === requestId);
  }

  private get name(): string {
    return `${this.options.app} ${this.options.command}`;
  }

  private probe(probePath: string): Promise<number> {
    return fetch(this.opsUrl + probePath, { signal: AbortSignal.timeout(2000) }).then(
      ({ status }) => status,
      () => 0,
    );
  }

  private readonly keep = (text: string): void => {
    const line = text.startsWith('{') ? (JSON.parse(text) as LogLine) : { level: 'text', message: text };
    this.lines.push(line);
  };
}
