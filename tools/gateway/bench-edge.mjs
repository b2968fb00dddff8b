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
import { median, printTable } from '../bench/table.mjs';
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
    printTable(await takeTurns(gateway, path.join(runDir, 'dynamic/middlewares.yml')));
  } finally {
    await gateway.stop();
    service.closeAllConnections();
    service.close();
    fs.rmSync(runDir, { recursive: true, force: true });
  }
}

async function takeTurns(gateway, file) {
  const tool = await loadTool();
  const target = { url: `${gateway.url}/api/v1/posts`, connections: 16, seconds };
  const samples = Object.fromEntries(Object.keys(variants).map((name) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    const order = round % 2 === 0 ? Object.keys(variants) : Object.keys(variants).reverse();
    for (const name of order) {
      await switchPlugin(file, variants[name], gateway);
      const before = cpuMs(gateway.pid);
      const result = await sendLoad(tool, target, 1);
      samples[name].push({ ...result, cpuMicros: ((cpuMs(gateway.pid) - before) * 1000) / result.requests });
    }
  }
  return Object.keys(variants).map((name) => summarise(name, samples[name], samples['without the plugin']));
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

function summarise(name, results, floor) {
  const rps = results.map((result) => result.rps);
  const ratios = results.map((result, round) => result.rps / floor[round].rps);
  return {
    name,
    rps: median(rps),
    lowest: Math.min(...rps),
    highest: Math.max(...rps),
    ratio: median(ratios),
    lowestRatio: Math.min(...ratios),
    highestRatio: Math.max(...ratios),
    cpuMicros: median(results.map((result) => result.cpuMicros)),
    p99: median(results.map((result) => result.p99)),
  };
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
