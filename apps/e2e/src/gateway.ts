import { spawn, type ChildProcess } from 'node:child_process';
import path from 'node:path';
import readline from 'node:readline';

export interface GatewayOptions {
  runDir: string;
  ports: { https: number; http: number; internal: number };
  /** The instances' addresses. */
  servers: Record<'auth' | 'posts' | 'realtime', string[]>;
  /** Their ops ports, in the same order. */
  healthPorts: Record<'auth' | 'posts' | 'realtime', number[]>;
  tls: { certFile: string; keyFile: string };
  traefikBin?: string;
  docsUrl?: string;
  trustedProxies?: string[];
  corsOrigins?: string[];
  limits?: { ratePerSecond?: number; rateBurst?: number; inFlight?: number; sockets?: number };
  otlpEndpoint?: string;
  samplingRate?: number;
  hstsSeconds?: number;
  acceptGraceMs?: number;
  drainMs?: number;
  timeouts?: { readMs?: number; writeMs?: number; idleMs?: number; answerMs?: number };
}

export interface Gateway {
  url: string;
  httpUrl: string;
  internalUrl: string;
  /** Traefik's own process. */
  pid: number;
  logFile: string;
  accessLogFile: string;
  /** Asks it to drain and end; resolves to whether it did so in time. */
  stop(): Promise<boolean>;
}

type Facts = Omit<Gateway, 'stop'>;

const script = path.resolve(__dirname, '../../../tools/gateway/serve.mjs');

/** Starts a real gateway as a process of its own; rejects with the one line that it prints when it cannot start. */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const child = spawn(process.execPath, [script, JSON.stringify(options)], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const exit = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const facts = await Promise.race([firstLine(child), complaint(child, exit)]);
  return {
    ...facts,
    stop: async () => {
      child.kill('SIGTERM');
      return (await exit) === 0;
    },
  };
}

async function firstLine(child: ChildProcess): Promise<Facts> {
  const lines = readline.createInterface({ input: streamOf(child.stdout) });
  return new Promise((resolve) => lines.once('line', (line) => resolve(JSON.parse(line) as Facts)));
}

async function complaint(child: ChildProcess, exit: Promise<unknown>): Promise<never> {
  const said: string[] = [];
  streamOf(child.stderr).on('data', (chunk) => said.push(String(chunk)));
  await exit;
  throw new Error(said.join('').trim());
}

function streamOf<Stream>(stream: Stream | null): Stream {
  if (!stream) throw new Error('the gateway process has no pipes');
  return stream;
}
