/**
 * `serve-app.mjs <folder> [main|worker]`: a built service in this process, on ports that were free; prints
 * `ops <port> listening <port>` once it is ready.
 */
import { createRequire } from 'node:module';
import path from 'node:path';
import { freePort } from '../native/ports.mjs';
import { waitUntil } from '../native/wait-until.mjs';

const require = createRequire(import.meta.url);
const [folder, role = 'main'] = process.argv.slice(2);
const [port, opsPort] = [await freePort(), await freePort()];
process.env.PORT = String(port);
process.env.OPS_PORT = String(opsPort);
process.argv.splice(2);
require(path.join(folder, 'telemetry.js'));
require(path.join(folder, `${role}.js`));
await waitUntil(
  async () => {
    const ready = await fetch(`http://127.0.0.1:${opsPort}/readyz`).catch(() => undefined);
    return ready?.ok ?? false;
  },
  { timeoutMs: 30_000, everyMs: 50 },
);
process.stdout.write(`ops ${opsPort} listening ${port}\n`);
