/**
 * How the keeper of a test's own servers (../servers/server-keeper.mjs) runs PostgreSQL and what stands before it. Each
 * takes `{ folder, logFile, given }` and resolves to `{ urlAt(port), launchAt(port) }`.
 */
import fs from 'node:fs';
import path from 'node:path';
import pg from 'pg';

const native = path.resolve(import.meta.dirname, '../../../../tools/native');
const { canConnect } = await import(path.join(native, 'ports.mjs'));
const { ended, hasEnded, spawnServer, stopChild, tailOfFile } = await import(
  path.join(native, 'child-process.mjs')
);
const { locatePostgres } = await import(path.join(native, 'postgres-binaries.mjs'));
const { postgresUser } = await import(path.join(native, 'postgres-user.mjs'));
const { initCluster, postgresUrl, startPostgres } = await import(path.join(native, 'postgres.mjs'));
const { waitUntil } = await import(path.join(native, 'wait-until.mjs'));

const password = 'test';
const shared = { fsync: 'off', shared_buffers: '16MB', max_connections: 60 };

/** `given`: { tls: { cert, key } } in PEM, { settings: { … } } for the server. */
export async function preparePostgres({ folder, logFile, given: { tls, settings } }) {
  const binaries = locatePostgres();
  const user = postgresUser(binaries, path.join(folder, 'data'));
  await initCluster({ binaries, user, password, durable: false });
  const all = { ...shared, ...(tls && writeCertificate(user, tls)), ...settings };
  return {
    urlAt: (port) => postgresUrl({ port, password }),
    launchAt: (port) => startPostgres({ binaries, user, port, logFile, settings: all }),
  };
}

function writeCertificate({ folder, owner }, { cert, key }) {
  const write = (name, text) => {
    const file = path.join(folder, name);
    fs.writeFileSync(file, text, { mode: 0o600 });
    if (owner) fs.chownSync(file, owner.uid, owner.gid);
    return file;
  };
  return { ssl: 'on', ssl_cert_file: write('tls.crt', cert), ssl_key_file: write('tls.key', key) };
}

/** A streaming replica. `given`: { primary }, the URL of its superuser. */
export async function prepareReplica({ folder, logFile, given: { primary } }) {
  const binaries = locatePostgres();
  const user = postgresUser(binaries, path.join(folder, 'data'));
  const settings = await copyPrimary(primary, user, slotOf(folder));
  const { hostname, port, username } = new URL(primary);
  // The embedded PostgreSQL comes without pg_basebackup, so all that one would write is written here.
  const conninfo = `host=${hostname} port=${port} user=${username} password=${new URL(primary).password}`;
  const following = {
    hot_standby: 'on',
    primary_conninfo: conninfo,
    primary_slot_name: slotOf(folder),
    wal_retrieve_retry_interval: '200ms',
  };
  const all = { ...shared, ...settings, ...following };
  return {
    urlAt: (where) => postgresUrl({ port: where, password }),
    launchAt: (where) => startPostgres({ binaries, user, port: where, logFile, settings: all }),
  };
}

const slotOf = (folder) =>
  path
    .basename(folder)
    .toLowerCase()
    .replace(/[^a-z0-9]/g, '_');

const notCopied = [
  /^postmaster\.(pid|opts)$/,
  /^(pg_replslot|pg_dynshmem|pg_notify|pg_serial|pg_snapshots|pg_stat_tmp|pg_subtrans)\/./,
];

/** Copies the files of a running server between the start and the end of a backup, as the log of that time mends them. */
async function copyPrimary(primary, user, slot) {
  const client = new pg.Client({ connectionString: primary });
  await client.connect();
  try {
    const { rows } = await client.query(
      `select current_setting('data_directory') as data, current_setting('max_connections') as max_connections`,
    );
    const { data, ...settings } = rows[0];
    // The primary keeps the log from here on, also while the replica is away.
    await client.query('select pg_create_physical_replication_slot($1, true)', [slot]);
    await client.query(`select pg_backup_start('replica', true)`);
    fs.cpSync(data, user.folder, { recursive: true, filter: (file) => isCopied(path.relative(data, file)) });
    const stop = await client.query('select labelfile from pg_backup_stop(false)');
    copyLog(path.join(data, 'pg_wal'), path.join(user.folder, 'pg_wal'));
    fs.writeFileSync(path.join(user.folder, 'backup_label'), stop.rows[0].labelfile);
    fs.writeFileSync(path.join(user.folder, 'standby.signal'), '');
    handOver(user);
    return settings;
  } finally {
    await client.end();
  }
}

function isCopied(file) {
  return !notCopied.some((pattern) => pattern.test(file));
}

/** What was written while the files were copied. */
function copyLog(from, to) {
  for (const name of fs.readdirSync(from).filter((file) => /^[0-9A-F]{24}$/.test(file))) {
    fs.copyFileSync(path.join(from, name), path.join(to, name));
  }
}

function handOver({ folder, owner }) {
  fs.chmodSync(folder, 0o700);
  if (!owner) return;
  fs.chownSync(folder, owner.uid, owner.gid);
  for (const name of fs.readdirSync(folder, { recursive: true })) {
    fs.lchownSync(path.join(folder, name), owner.uid, owner.gid);
  }
}

/**
 * PgBouncer in transaction mode. `given`: { target, logins, poolSize, settings }: the URL of the server behind it, the
 * URLs of those who log in through it, and the connections to the server for each of them.
 */
export async function preparePgBouncer({ folder, logFile, given: { target, logins, poolSize, settings } }) {
  const { providePgBouncer } = await import(path.join(native, 'pgbouncer-binary.mjs'));
  const binary = await providePgBouncer();
  const configFile = path.join(folder, 'pgbouncer.ini');
  const usersFile = path.join(folder, 'users.txt');
  const users = [target, ...logins].map((login) => new URL(login));
  fs.writeFileSync(usersFile, users.map((login) => `"${login.username}" "${login.password}"\n`).join(''));
  const { hostname, port, href } = new URL(target);
  const configAt = (where) => ({
    listen_addr: '127.0.0.1',
    listen_port: where,
    unix_socket_dir: '',
    auth_type: 'scram-sha-256',
    auth_file: usersFile,
    pool_mode: 'transaction',
    max_client_conn: 500,
    default_pool_size: poolSize,
    server_login_retry: 1,
    ...settings,
  });
  return {
    urlAt: (where) => Object.assign(new URL(href), { port: String(where) }).href,
    launchAt: (where) => {
      const lines = Object.entries(configAt(where)).map(([name, value]) => `${name} = ${value}\n`);
      const databases = `[databases]\n* = host=${hostname} port=${port}\n`;
      fs.writeFileSync(configFile, `${databases}[pgbouncer]\n${lines.join('')}`);
      return startPgBouncer({ binary, folder, configFile, port: where, logFile });
    },
  };
}

async function startPgBouncer({ binary, folder, configFile, port, logFile }) {
  // It refuses to run as root, and reads its files anew as whoever it runs as.
  const asNobody = process.getuid?.() === 0 ? ['-u', 'nobody'] : [];
  if (asNobody.length > 0) for (const name of ['', 'users.txt']) fs.chmodSync(path.join(folder, name), 0o755);
  const env = { ...process.env, ...binary.env };
  const child = spawnServer(binary.command, [...asNobody, configFile], { logFile, env });
  await waitUntil(() => hasEnded(child) || canConnect(port), {
    timeoutMs: 30_000,
    what: 'the start of PgBouncer',
  });
  if (hasEnded(child)) {
    const { code } = await ended(child);
    throw new Error(`PgBouncer ended with code ${code}: ${tailOfFile(logFile, 5)}`);
  }
  return { child, stop: () => stopChild(child, { signal: 'SIGTERM', limitMs: 5000 }) };
}
