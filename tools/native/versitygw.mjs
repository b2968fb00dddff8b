/** An S3 gateway over a folder:  node tools/native/versitygw.mjs  prints where a fitting one is, getting it if need be. */
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { ended, hasEnded, spawnServer, stopChild, tailOfFile } from './child-process.mjs';
import { printProvided } from './print-provided.mjs';
import { provideBinary } from './provide-binary.mjs';
import { waitUntil } from './wait-until.mjs';

const version = '1.8.0';

const versitygw = {
  name: 'versitygw',
  version,
  versionArgs: ['--version'],
  versionPattern: /^Version\s*:\s+v?(\d+\.\d+\.\d+)/m,
  // No archive is trusted without its SHA-256: the release's own checksums list them.
  archives: {},
  goModule: {
    folder: path.join(import.meta.dirname, 'versitygw'),
    package: 'github.com/versity/versitygw/cmd/versitygw',
    ldflags: `-s -w -X main.Version=v${version}`,
  },
};

/** The path of a fitting versitygw: `{ report(line), signal }` are told what happens and may end it. */
export const provideVersitygw = (hooks) => provideBinary(versitygw, hooks);

/** Serves one empty bucket on a loopback port and resolves when it takes requests: `{ bucketUrl, stop() }`. */
export async function startVersitygw({ binary, folder, port, logFile, credentials, bucket }) {
  // A folder is a bucket. What is said of objects lies beside them: not every file system has room for it in a file.
  const [buckets, sidecar] = ['buckets', 'said'].map((name) => path.join(folder, name));
  fs.mkdirSync(path.join(buckets, bucket), { recursive: true });
  fs.mkdirSync(sidecar);
  const args = ['--port', `127.0.0.1:${port}`, '--region', credentials.region, '--quiet', '--keep-alive'];
  const child = spawnServer(binary, [...args, 'posix', '--sidecar', sidecar, buckets], {
    logFile,
    env: {
      PATH: process.env.PATH,
      ROOT_ACCESS_KEY: credentials.accessKeyId,
      ROOT_SECRET_KEY: credentials.secretAccessKey,
    },
  });
  const exit = ended(child);
  const stop = () => stopChild(child, { signal: 'SIGTERM', limitMs: 10_000 });
  try {
    await waitUntil(() => hasEnded(child) || answers(port), { timeoutMs: 30_000 });
  } catch (error) {
    await stop();
    throw error;
  }
  if (hasEnded(child)) {
    const { code, error } = await exit;
    throw new Error(
      `The S3 gateway ended with ${error?.message ?? `code ${code}`}: ${tailOfFile(logFile, 5)}`,
    );
  }
  return { bucketUrl: `http://127.0.0.1:${port}/${bucket}`, stop };
}

function answers(port) {
  return new Promise((resolve) => {
    const request = http.get({ host: '127.0.0.1', port, timeout: 1000 }, (response) => {
      response.resume();
      resolve(true);
    });
    request.once('timeout', () => request.destroy());
    request.once('error', () => resolve(false));
  });
}

await printProvided(import.meta, provideVersitygw);
