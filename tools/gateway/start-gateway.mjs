import { createPrivateKey, X509Certificate } from 'node:crypto';
import fs from 'node:fs';
import https from 'node:https';
import path from 'node:path';
import { ended, hasEnded, spawnServer, stopChild } from '../native/child-process.mjs';
import { ClearError } from '../native/clear-error.mjs';
import { isPortFree, portHolder } from '../native/ports.mjs';
import { waitUntil } from '../native/wait-until.mjs';
import { renderGateway } from './render.mjs';

const startLimitMs = 30_000;
const accessLogLimit = 64 * 1024 * 1024;

// The interpreted plugin makes short-lived garbage. Collecting a quarter as often gives back what it costs (the ADR has
// the measurement); the memory limit keeps a gateway with many sockets from growing fourfold.
const goRuntime = { GOGC: '400', GOMEMLIMIT: '1GiB' };

/**
 * Starts Traefik with the files of `traefik/` and resolves when it answers and has loaded its routers:
 * `{ url, httpUrl, internalUrl, pid, logFile, accessLogFile, exited, stop() }`.
 *
 * Options: `traefikBin`, `runDir`, `logDir`?, `ports: { https, http, internal }`, `host`? (127.0.0.1),
 * `servers: { auth, posts, realtime }` (lists of URLs), `healthPorts` (likewise, lists of ops ports),
 * `tls: { certFile, keyFile }`, `docsUrl`?, `trustedProxies`?, `corsOrigins`?, `limits`?, `otlpEndpoint`?,
 * `samplingRate`?, `environment`?, `hstsSeconds`?, `acceptGraceMs`? (0), `drainMs`? (10000),
 * `timeouts: { readMs, writeMs, idleMs, answerMs }`?.
 */
export async function startGateway(options) {
  checkFiles(options);
  await checkPorts(options);
  const rendered = renderGateway(options);
  setAside(rendered.accessLogFile);
  const logFile = path.join(options.logDir ?? options.runDir, 'traefik.log');
  const logStart = sizeOf(logFile);
  const child = spawnServer(options.traefikBin, [`--configFile=${rendered.staticFile}`], {
    logFile,
    cwd: rendered.folder,
    env: { ...goRuntime, PATH: process.env.PATH, HOME: process.env.HOME, TMPDIR: process.env.TMPDIR },
  });
  const stop = () =>
    stopChild(child, { limitMs: (options.acceptGraceMs ?? 0) + (options.drainMs ?? 10_000) + 5000 });
  const urls = urlsOf(options);
  try {
    const settled = () => hasEnded(child) || firstComplaint(logFile, logStart) || isReady(urls, options.tls);
    await waitUntil(settled, {
      timeoutMs: startLimitMs,
      what: 'its routes',
    });
    const complaint = firstComplaint(logFile, logStart);
    if (hasEnded(child) || complaint) throw new Error(complaint ?? `it ended with code ${child.exitCode}`);
  } catch (error) {
    await stopChild(child, { limitMs: 2000 });
    const cause = firstComplaint(logFile, logStart) ?? error.message;
    throw new ClearError(`The gateway did not start: ${cause}.`, `Its log is ${logFile}.`, { cause: error });
  }
  return {
    ...urls,
    pid: child.pid,
    logFile,
    accessLogFile: rendered.accessLogFile,
    exited: ended(child),
    stop,
  };
}

function urlsOf({ ports, host = '127.0.0.1' }) {
  const name = ['0.0.0.0', '::', ''].includes(host) ? 'localhost' : host;
  return {
    url: `https://${name}:${ports.https}`,
    httpUrl: `http://${name}:${ports.http}`,
    internalUrl: `http://127.0.0.1:${ports.internal}`,
  };
}

function checkFiles({ traefikBin, tls }) {
  const files = {
    'the Traefik binary': traefikBin,
    'the certificate': tls.certFile,
    "the certificate's key": tls.keyFile,
  };
  for (const [what, file] of Object.entries(files)) {
    if (!file || !fs.existsSync(file))
      throw new ClearError(`The gateway did not start: ${what} is not at ${file}.`);
  }
  const problem = certificateProblem(tls);
  if (problem) throw new ClearError(`The gateway did not start: the certificate ${tls.certFile} ${problem}.`);
}

// Traefik would start all the same, with a certificate of its own that no client trusts.
function certificateProblem({ certFile, keyFile }) {
  try {
    const certificate = new X509Certificate(fs.readFileSync(certFile));
    if (!certificate.checkPrivateKey(createPrivateKey(fs.readFileSync(keyFile))))
      return `is not for the key ${keyFile}`;
    if (certificate.validToDate < new Date()) return `expired on ${certificate.validTo}`;
  } catch (error) {
    return `or its key cannot be read: ${error.message}`;
  }
  return undefined;
}

async function checkPorts({ ports, host = '127.0.0.1' }) {
  for (const [port, address] of [
    [ports.https, host],
    [ports.http, host],
    [ports.internal, '127.0.0.1'],
  ]) {
    if (await isPortFree(port, address)) continue;
    const holder = portHolder(port);
    const by = holder ? ` by process ${holder.pid} (${holder.command.slice(0, 80)})` : '';
    throw new ClearError(
      `The gateway did not start: port ${port} is in use${by}.`,
      'Stop that, or choose another port.',
    );
  }
}

/** Ping says that Traefik runs; our own 404 says that routers, middlewares and the plugin are loaded. */
async function isReady({ url, internalUrl }, { certFile }) {
  try {
    const ping = await fetch(`${internalUrl}/ping`, { signal: AbortSignal.timeout(1000) });
    return ping.ok && (await askForNothing(url, certFile)) === 'GATEWAY_ROUTE_NOT_FOUND';
  } catch {
    return false;
  }
}

function askForNothing(url, certFile) {
  return new Promise((resolve) => {
    const ca = fs.readFileSync(certFile);
    // The name is not what is asked here: a certificate for a public name is served on loopback too.
    const options = { ca, checkServerIdentity: () => undefined, timeout: 1000, agent: false };
    const request = https.get(`${url}/.gateway-ready`, options, async (response) => {
      const body = Buffer.concat(await response.toArray()).toString();
      resolve(body.startsWith('{') ? JSON.parse(body).code : undefined);
    });
    request.once('timeout', () => request.destroy()).once('error', () => resolve(undefined));
  });
}

/** The first error of this start in Traefik's log: a router it could not build, a file it could not read. */
function firstComplaint(logFile, from) {
  const lines = fs.readFileSync(logFile).subarray(from).toString().split('\n').filter(Boolean);
  for (const line of lines) {
    const entry = parsed(line);
    if (!entry) return line.trim();
    if (['error', 'fatal', 'panic'].includes(entry.level)) {
      const where = entry.routerName ?? entry.middlewareName ?? entry.serviceName ?? entry.entryPointName;
      return [where, entry.message, entry.error].filter(Boolean).join(': ');
    }
  }
  return undefined;
}

function parsed(line) {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

/** Traefik does not rotate its access log. Production writes it to standard output; here a large one is set aside. */
function setAside(file) {
  if (sizeOf(file) > accessLogLimit) fs.renameSync(file, `${file}.1`);
}

function sizeOf(file) {
  return fs.existsSync(file) ? fs.statSync(file).size : 0;
}
