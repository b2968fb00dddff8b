/** The generated posts, kept in the ignored data folder and used again until the tables or their making change. */
import { spawn } from 'node:child_process';
import crypto from 'node:crypto';
import { readFileSync, rmSync, writeFileSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { freePort } from '../../native/ports.mjs';
import { locatePostgres } from '../../native/postgres-binaries.mjs';
import { initCluster, postgresUrl, startPostgres } from '../../native/postgres.mjs';
import { postgresUser } from '../../native/postgres-user.mjs';
import { dataDir } from '../../native/workspace.mjs';

const password = 'bench';
/** Commits wait for the disk as they do in production. */
const settings = {
  shared_buffers: '1GB',
  max_wal_size: '4GB',
  max_connections: 100,
  logging_collector: 'off',
};

/** Starts PostgreSQL with the data in it: `{ databaseUrl, adminUrl, firstAt, stop }`. */
export async function openDataSet({ size, generator, migrations }) {
  const folder = path.join(dataDir, 'bench', `posts-${size}`);
  const noteFile = `${folder}.json`;
  const binaries = locatePostgres();
  const user = postgresUser(binaries, folder);
  const digest = digestOf(migrations);
  let note = readNote(noteFile);
  if (note?.digest !== digest) {
    for (const old of [user.folder, noteFile]) rmSync(old, { recursive: true, force: true });
    note = undefined;
  }
  mkdirSync(path.dirname(folder), { recursive: true });
  await initCluster({ binaries, user, password, durable: false });
  const port = await freePort();
  const server = await startPostgres({ binaries, user, port, logFile: `${folder}.log`, settings });
  try {
    if (!note) {
      console.log(`Making the data set (${size}); it is kept for the next time`);
      const url = postgresUrl({ port, password });
      note = { digest, ...(await generate(generator, { url, migrations, size })) };
      writeFileSync(noteFile, JSON.stringify(note));
    }
    const here = (url) => Object.assign(new URL(url), { port: String(port) }).href;
    return {
      databaseUrl: here(note.url),
      adminUrl: here(note.adminUrl),
      firstAt: note.firstAt,
      stop: () => server.stop(),
    };
  } catch (error) {
    await server.stop();
    throw error;
  }
}

function readNote(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
}

function digestOf(migrations) {
  const hash = crypto.createHash('sha256');
  for (const name of ['generate.ts', 'shape.ts'])
    hash.update(readFileSync(path.join(import.meta.dirname, name)));
  // What is built of them changes with every library that they use.
  hash.update(readFileSync(path.join(migrations, 'checksums.json')));
  return hash.digest('hex');
}

function generate(script, { url, migrations, size }) {
  const child = spawn(process.execPath, [script, migrations, size], {
    env: { ...process.env, TEST_POSTGRES_URL: url },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return new Promise((resolve, reject) => {
    let text = '';
    child.stdout.on('data', (chunk) => (text += chunk));
    child.once('exit', (code) =>
      code === 0
        ? resolve(JSON.parse(text))
        : reject(new Error(`The data set could not be made: code ${code}`)),
    );
  });
}
