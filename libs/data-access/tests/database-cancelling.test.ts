import net from 'node:net';
import { waitFor } from '@rostrum/testing';
import { withClient } from '../src';
import { backend, poolScene } from './pool-scene';

const scene = poolScene();

it('a statement that ended while it was being cancelled takes its connection with it, lest the next be hit', async () => {
  const database = scene.openThroughProxy({ max: 1 });
  const first = await backend(database);
  const caller = new AbortController();
  const given = database.query('slow', 'select pg_sleep(0.1)', [], { signal: caller.signal });
  scene.proxy.pause('toClient');
  const ended = `select from pg_stat_activity where pid = ${first} and state = 'idle' and query like '%pg_sleep%'`;
  await waitFor(() =>
    withClient(scene.own.adminUrl, async (admin) => (await admin.query(ended)).rowCount === 1),
  );
  caller.abort(new Error('gone'));
  await expect(given).rejects.toThrow('gone');
  const next = backend(database);
  await scene.proxy.heal();
  expect(await next).not.toBe(first);
});

it('asks again when a request to cancel was lost', async () => {
  const cancelCode = 80877102;
  const sockets: net.Socket[] = [];
  let lost = 0;
  const relay = net.createServer((client) => {
    const upstream = net.connect(Number(new URL(scene.own.url).port), '127.0.0.1');
    sockets.push(client, upstream);
    for (const socket of [client, upstream]) socket.on('error', () => undefined);
    client.once('data', (chunk: Buffer) => {
      if (chunk.readInt32BE(4) !== cancelCode || lost > 0) {
        upstream.write(chunk);
        client.pipe(upstream).pipe(client);
        return;
      }
      lost += 1;
      client.destroy();
    });
  });
  await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve));
  const { port } = relay.address() as net.AddressInfo;
  const database = scene.open({ url: Object.assign(new URL(scene.own.url), { port }).href, max: 1 });
  const caller = new AbortController();
  const given = database.query('slow', 'select pg_sleep(60)', [], { signal: caller.signal });
  await waitFor(() => database.stats().active === 1);
  caller.abort(new Error('gone'));
  await expect(given).rejects.toThrow('gone');
  await waitFor(() => database.stats().active === 0, { what: 'the end of the statement' });
  expect(lost).toBe(1);
  await database.close();
  for (const socket of sockets) socket.destroy();
  await new Promise((resolve) => relay.close(resolve));
});
