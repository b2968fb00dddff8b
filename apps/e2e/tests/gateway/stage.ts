import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { generate } from 'selfsigned';
import { startGateway, type Gateway, type GatewayOptions } from '../../src/gateway';
import { startBackend, type Backend } from './backend';

export interface Stage {
  gateway: Gateway;
  certificate: string;
  auth: Backend[];
  posts: Backend[];
  realtime: Backend[];
  options: GatewayOptions;
  close(): Promise<void>;
}

/** A gateway before two instances of each service, all on ports that were free. */
export async function setStage(overrides: Partial<GatewayOptions> = {}): Promise<Stage> {
  const runDir = fs.mkdtempSync(path.join(os.tmpdir(), 'rostrum-gateway-'));
  const tls = await writeCertificate(runDir);
  const pairs = await Promise.all(['auth', 'posts', 'realtime'].map(startPair));
  const [auth = [], posts = [], realtime = []] = pairs;
  const options: GatewayOptions = {
    runDir,
    ports: { https: await freePort(), http: await freePort(), internal: await freePort() },
    servers: { auth: urls(auth), posts: urls(posts), realtime: urls(realtime) },
    healthPorts: { auth: opsPorts(auth), posts: opsPorts(posts), realtime: opsPorts(realtime) },
    tls,
    drainMs: 2000,
    ...overrides,
  };
  const stopBackends = () => Promise.all(pairs.flat().map((backend) => backend.stop()));
  const gateway = await startGateway(options).catch(async (error: unknown) => {
    await stopBackends();
    throw error;
  });
  const close = async () => {
    await gateway.stop();
    await stopBackends();
    fs.rmSync(runDir, { recursive: true, force: true });
  };
  return {
    gateway,
    certificate: fs.readFileSync(tls.certFile, 'utf8'),
    auth,
    posts,
    realtime,
    options,
    close,
  };
}

async function startPair(service: string): Promise<Backend[]> {
  return Promise.all([startBackend(`${service}-1`), startBackend(`${service}-2`)]);
}

const urls = (backends: Backend[]) => backends.map((backend) => backend.url);
const opsPorts = (backends: Backend[]) => backends.map((backend) => backend.opsPort);

export async function writeCertificate(folder: string): Promise<{ certFile: string; keyFile: string }> {
  const names = [
    { type: 2, value: 'localhost' },
    { type: 7, ip: '127.0.0.1' },
  ] as const;
  const made = await generate([{ name: 'commonName', value: 'localhost' }], {
    keyType: 'ec',
    extensions: [{ name: 'subjectAltName', altNames: [...names] }],
  });
  const files = { certFile: path.join(folder, 'tls.crt'), keyFile: path.join(folder, 'tls.key') };
  fs.writeFileSync(files.certFile, made.cert);
  fs.writeFileSync(files.keyFile, made.private);
  return files;
}

/** Below what systems give to outgoing connections, which could take a port between its choice and its use. */
const range = { from: 12_000, to: 32_000 };

export async function freePort(): Promise<number> {
  const port = range.from + Math.floor(Math.random() * (range.to - range.from));
  const server = net.createServer();
  const free = await new Promise<boolean>((resolve) => {
    server.once('error', () => resolve(false)).listen(port, '127.0.0.1', () => resolve(true));
  });
  if (!free) return freePort();
  await new Promise((resolve) => server.close(resolve));
  return port;
}
