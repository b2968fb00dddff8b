/** npm run check:s3 — the bucket of pictures, on an S3 that is none of ours. */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { freePort } from '../native/ports.mjs';
import { provideVersitygw, startVersitygw } from '../native/versitygw.mjs';
import { dataDir, workspaceRoot } from '../native/workspace.mjs';

const { values } = parseArgs({ options: { help: { type: 'boolean' } } });
if (values.help) {
  console.log(`npm run check:s3

Gets the Versity S3 Gateway (built from pinned Go modules at the first time, about two minutes), serves a bucket on
loopback and runs the tests of the object stores against it.`);
  process.exit(0);
}

const binary = await provideVersitygw({ report: console.log });
const testDir = path.join(dataDir, 'test');
fs.mkdirSync(testDir, { recursive: true });
const folder = fs.mkdtempSync(path.join(testDir, 's3-'));
const credentials = {
  region: 'eu-central-1',
  accessKeyId: 'CHECK',
  secretAccessKey: randomBytes(30).toString('base64'),
};
let gateway;
try {
  const logFile = path.join(folder, 'gateway.log');
  const port = await freePort();
  gateway = await startVersitygw({ binary, folder, port, logFile, credentials, bucket: 'pictures' });
  const env = {
    ...process.env,
    TEST_S3_BUCKET_URL: gateway.bucketUrl,
    TEST_S3_REGION: credentials.region,
    TEST_S3_ACCESS_KEY_ID: credentials.accessKeyId,
    TEST_S3_SECRET_ACCESS_KEY: credentials.secretAccessKey,
  };
  const jest = ['node_modules/jest/bin/jest.js', '--config', 'apps/posts/jest.config.cjs'];
  const child = spawn(process.execPath, [...jest, 'object-stores'], {
    cwd: workspaceRoot,
    env,
    stdio: 'inherit',
  });
  [process.exitCode] = await once(child, 'exit');
} finally {
  await gateway?.stop();
  fs.rmSync(folder, { recursive: true, force: true });
}
