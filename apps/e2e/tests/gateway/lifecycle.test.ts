import fs from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { waitFor } from '@rostrum/testing';
import { WebSocket } from 'ws';
import { startGateway } from '../../src/gateway';
import { ask, secureSocket } from './client';
import { freePort, setStage, writeCertificate, type Stage } from './stage';

describe('a gateway that is told to end', () => {
  let stage: Stage;

  afterEach(() => stage.close());

  it('says so on its ping first, still serves, then takes nothing new and lets what runs finish', async () => {
    // Longer than a busy machine takes over what is looked at meanwhile.
    stage = await setStage({ drainMs: 20_000, acceptGraceMs: 300 });
    const running = ask(stage, '/api/v1/posts?do=late');
    await waitFor(() => stage.posts.some(({ seen }) => seen.length > 0));
    const ping = `${stage.gateway.internalUrl}/ping`;
    const before = (await fetch(ping)).status;
    const ended = stage.gateway.stop();
    await waitFor(async () => (await fetch(ping)).status === 503);
    const whileLeaving = await ask(stage, '/api/v1/auth/me');
    const closed = await waitFor(() =>
      secureSocket(stage).then(hangUp, (error: { code: string }) => error.code),
    );
    stage.posts.forEach((backend) => backend.answerLate());
    const finished = await running;

    expect(before).toBe(200);
    expect(whileLeaving.status).toBe(200);
    expect(closed).toBe('ECONNREFUSED');
    expect([finished.status, finished.text]).toEqual([200, '{"late":true}']);
    expect(await ended).toBe(true);
  });

  it('ends in time also with a WebSocket that stays', async () => {
    stage = await setStage({ drainMs: 3000, acceptGraceMs: 300 });
    const socket = new WebSocket(`${stage.gateway.url.replace('https', 'wss')}/ws`, {
      ca: stage.certificate,
    });
    await new Promise((resolve) => socket.once('open', resolve));
    const closed = new Promise((resolve) => socket.once('close', resolve));
    const start = performance.now();

    expect(await stage.gateway.stop()).toBe(true);
    // Three seconds are what it is given; without an end it would wait for the socket.
    expect(performance.now() - start).toBeLessThan(20_000);
    await closed;
  });
});

function hangUp(socket: { destroy(): void }): false {
  socket.destroy();
  return false;
}

describe('a WebSocket', () => {
  it('survives a new configuration and the loss of the other instance', async () => {
    const stage = await setStage();
    const socket = new WebSocket(`${stage.gateway.url.replace('https', 'wss')}/ws`, {
      ca: stage.certificate,
    });
    await new Promise((resolve) => socket.once('open', resolve));
    const other = stage.realtime.find(({ seen }) => seen.length === 0);
    await other?.kill();
    const routers = path.join(stage.options.runDir, 'dynamic/routers.yml');
    fs.writeFileSync(
      `${routers}.new`,
      fs.readFileSync(routers, 'utf8').replace('/api/v1/feed', '/api/v1/fed'),
    );
    fs.renameSync(`${routers}.new`, routers);
    await waitFor(async () => (await ask(stage, '/api/v1/feed')).status === 404);
    const echoed = new Promise((resolve) => socket.once('message', (data) => resolve(String(data))));
    socket.send('still here');

    expect(await echoed).toBe('echo still here');
    socket.terminate();
    await stage.close();
  });
});

describe('a gateway that cannot start says why in one line', () => {
  const runDir = fs.mkdtempSync(path.join(os.tmpdir(), 'rostrum-gateway-'));
  const url = ['http://127.0.0.1:9'];

  afterAll(() => fs.rmSync(runDir, { recursive: true, force: true }));

  async function start(overrides: object): Promise<string> {
    const options = {
      runDir,
      ports: { https: await freePort(), http: await freePort(), internal: await freePort() },
      servers: { auth: url, posts: url, realtime: url },
      healthPorts: { auth: [9], posts: [9], realtime: [9] },
      tls: await writeCertificate(runDir),
      ...overrides,
    };
    return startGateway(options).then(
      async (gateway) => `started: ${String(await gateway.stop())}`,
      (error: Error) => error.message,
    );
  }

  it('when a port is in use, and by whom', async () => {
    const squatter = http.createServer();
    await new Promise<void>((resolve) => squatter.listen(0, '127.0.0.1', resolve));
    const { port } = squatter.address() as AddressInfo;
    const line = await start({ ports: { https: port, http: await freePort(), internal: await freePort() } });
    await new Promise((resolve) => squatter.close(resolve));

    expect(line).toMatch(
      new RegExp(`^The gateway did not start: port ${port} is in use.*choose another port\\.$`),
    );
    expect(line).not.toContain('\n');
  });

  it.each([
    [
      'the certificate is missing',
      { tls: { certFile: '/nowhere/tls.crt', keyFile: '/nowhere/tls.key' } },
      /certificate is not at \/nowhere\/tls\.crt/,
    ],
    ['Traefik is missing', { traefikBin: '/nowhere/traefik' }, /Traefik binary is not at \/nowhere\/traefik/],
    ['a trusted proxy is no address', { trustedProxies: ['not-an-address'] }, /not-an-address/],
    ['a limit is no number', { limits: { inFlight: 'many' } }, /did not start: .*many/],
    ['a server is no URL', { servers: { auth: ['::'], posts: url, realtime: url } }, /did not start: .*::/],
  ])('when %s', async (_what, overrides, expected) => {
    const line = await start(overrides);

    expect(line).toMatch(expected);
    expect(line).not.toContain('\n');
  });

  it('when the certificate and its key do not belong together', async () => {
    const other = path.join(runDir, 'other');
    fs.mkdirSync(other, { recursive: true });
    const { keyFile } = await writeCertificate(other);
    const { certFile } = await writeCertificate(runDir);

    expect(await start({ tls: { certFile, keyFile } })).toMatch(
      /^The gateway did not start: .* is not for the key /,
    );
  });
});
