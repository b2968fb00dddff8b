import { spawn, type ChildProcessByStdio } from 'node:child_process';
import path from 'node:path';
import readline from 'node:readline';
import type { Readable, Writable } from 'node:stream';

/** A server process of the test's own, to be frozen, killed and brought back at will. */
export interface OwnServer {
  /** The same before and after a restart. */
  readonly url: string;
  /** Freezes it: connections stay, nothing is answered. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** Ends it without a chance to tidy up. */
  kill(): Promise<void>;
  /** Starts it after `kill`; one that still runs is killed first. */
  restart(): Promise<void>;
  /** Ends it, frozen or not, and removes its data. */
  stop(): Promise<void>;
}

/**
 * Redis. Its data survives a restart only if it is `persistent`: with `everysec` as in production, where a write is on
 * disk up to a second after its answer, else before it.
 */
export function startRedisServer({
  persistent = false,
}: { persistent?: boolean | 'everysec' } = {}): Promise<OwnServer> {
  if (!persistent) return startServer(['redis']);
  return startServer(['redis', persistent === 'everysec' ? persistent : 'persistent']);
}

/** NATS with JetStream, whose data survives a restart. */
export function startNatsServer(): Promise<OwnServer> {
  return startServer(['nats']);
}

interface Answer {
  url?: string;
  error?: string;
}

type Host = ChildProcessByStdio<Writable, Readable, Readable>;

/** `args` are those of the keeper. */
export async function startServer(args: string[]): Promise<OwnServer> {
  const script = path.join(__dirname, 'server-keeper.mjs');
  const host = spawn(process.execPath, [script, ...args], { stdio: ['pipe', 'pipe', 'pipe'] });
  const remote = new RemoteServer(host);
  const { url } = await remote.answer();
  if (!url) throw new Error(`${args[0] ?? 'The server'} gave no address`);
  return {
    url,
    pause: () => remote.command('pause'),
    resume: () => remote.command('resume'),
    kill: () => remote.command('kill'),
    restart: async () => {
      await remote.command('kill');
      await remote.command('start');
    },
    stop: () => remote.end(),
  };
}

/** Speaks with the process that runs the server: one line there, one line back. */
class RemoteServer {
  private readonly lines: AsyncIterator<string>;
  private readonly exit: Promise<unknown>;
  private complaints = '';

  constructor(private readonly host: Host) {
    this.lines = readline.createInterface({ input: host.stdout })[Symbol.asyncIterator]();
    this.exit = new Promise((resolve) => host.once('exit', resolve));
    host.stderr.setEncoding('utf8').on('data', (chunk: string) => (this.complaints += chunk));
    host.stdin.on('error', () => undefined);
  }

  async command(name: string): Promise<void> {
    this.host.stdin.write(`${name}\n`);
    await this.answer();
  }

  async answer(): Promise<Answer> {
    const { value, done } = await this.lines.next();
    if (done) throw new Error(`The test's own server is gone: ${this.complaints.trim()}`);
    const answer = JSON.parse(value) as Answer;
    if (answer.error !== undefined) throw new Error(answer.error);
    return answer;
  }

  async end(): Promise<void> {
    this.host.stdin.end();
    await this.exit;
  }
}
