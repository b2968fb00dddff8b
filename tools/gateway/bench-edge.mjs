/**
 * What the interpreted plugin costs: one gateway under the same load with and without it, turn by turn. The ratio is
 * within a round. Run with `node tools/gateway/bench-edge.mjs [rounds] [seconds]`.
 */
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { parse, stringify } from 'yaml';
import { loadTool, sendLoad } from '../bench/load.mjs';
import { printTable } from '../bench/table.mjs';
import { summariseTurns, takeTurns } from '../bench/turns.mjs';
import { freePort } from '../native/ports.mjs';
import { provideTraefik } from '../native/traefik.mjs';
import { waitUntil } from '../native/wait-until.mjs';
import { developmentCertificate } from '../start/certificate.mjs';
import { startGateway } from './start-gateway.mjs';

const [rounds = 5, seconds = 3] = process.argv.slice(2).map(Number);
const variants = { 'without the plugin': false, 'with the plugin': true };
const clockTickMs = 10;

async function main() {
  const runDir = fs.mkdtempSync(path.join(os.tmpdir(), 'rostrum-bench-'));
  const service = await startService();
  const gateway = await startGateway(await gatewayOptions(runDir, service.address().port));
  try {
    printTable(await measureInTurns(gateway, path.join(runDir, 'dynamic/middlewares.yml')));
  } finally {
    await gateway.stop();
    service.closeAllConnections();
    service.close();
    fs.rmSync(runDir, { recursive: true, force: true });
  }
}

async function measureInTurns(gateway, file) {
  const tool = await loadTool();
  const target = { url: `${gateway.url}/api/v1/posts`, connections: 16, seconds };
  const measure = async (name) => {
    await switchPlugin(file, variants[name], gateway);
    const before = cpuMs(gateway.pid);
    const result = await sendLoad(tool, target, 1);
    return { ...result, cpuMicros: ((cpuMs(gateway.pid) - before) * 1000) / result.requests };
  };
  const samples = await takeTurns({ names: Object.keys(variants), rounds, measure });
  return summariseTurns(samples, 'without the plugin');
}

// Renamed into place, so that Traefik never reads half a file.
async function switchPlugin(file, on, { url }) {
  const config = parse(fs.readFileSync(file, 'utf8'));
  const { chain } = config.http.middlewares.entry;
  const others = chain.middlewares.filter((name) => name !== 'edge');
  chain.middlewares = on ? [others[0], 'edge', ...others.slice(1)] : others;
  fs.writeFileSync(`${file}.new`, stringify(config));
  fs.renameSync(`${file}.new`, file);
  const answersWithId = async () => (await fetch(`${url}/api/v1/posts`)).headers.has('x-request-id');
  await waitUntil(async () => (await answersWithId()) === on, {
    timeoutMs: 10_000,
    what: 'the new configuration',
  });
}

async function startService() {
  const body = JSON.stringify({
    items: Array.from({ length: 5 }, (_, id) => ({ id, text: 'a post of some length' })),
  });
  const headers = { 'content-type': 'application/json', 'content-length': body.length };
  const server = http.createServer((_request, response) => response.writeHead(200, headers).end(body));
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

async function gatewayOptions(runDir, port) {
  const urls = [`http://127.0.0.1:${port}`];
  const tls = await developmentCertificate(runDir);
  return {
    traefikBin: await provideTraefik({ report: console.log }),
    runDir,
    ports: { https: await freePort(), http: await freePort(), internal: await freePort() },
    servers: { auth: urls, posts: urls, realtime: urls },
    healthPorts: { auth: [port], posts: [port], realtime: [port] },
    tls,
    limits: { ratePerSecond: 0, inFlight: 0 },
  };
}

function cpuMs(pid) {
  const stat = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * clockTickMs;
}

// The certificate is our own, made for this run.
process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
process.removeAllListeners('warning');
await main();
