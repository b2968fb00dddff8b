import { once } from 'node:events';
import { authCookies, closeCodes } from '@rostrum/contracts';
import { waitFor } from '@rostrum/testing';
import { WebSocket } from 'ws';
import { askForUpgrade, LiveClient } from './live-client';
import { RealtimeApp, type Instance, type Person } from './realtime-app';

const page = 'https://app.test';
let app: RealtimeApp;
let instance: Instance;
let ada: Person;

beforeAll(async () => {
  app = await RealtimeApp.create();
  instance = await app.instance();
});
afterAll(() => app.stop());
beforeEach(async () => {
  ada = await app.person('ada');
});

const ask = (headers: Record<string, string | undefined>, path = '/ws') =>
  askForUpgrade(instance.url + path, headers);
const cookieOf = (person: Person) => ({ cookie: `theme=dark; ${authCookies.access}=${person.token}` });
const ticketFor = async (person: Person): Promise<string> => {
  const { status, json } = await instance.send(person, 'POST /api/v1/realtime/tickets');
  expect(status).toBe(201);
  return json.ticket;
};
const withTicket = (ticket: string) => LiveClient.open(`${instance.socketUrl}?ticket=${ticket}`);

describe('a ticket', () => {
  it('opens one socket, as the person who asked for it', async () => {
    const ticket = await ticketFor(ada);
    const client = await withTicket(ticket);
    expect(client.of('welcome')[0]?.userId).toBe(ada.id);
    expect((await ask({}, `/ws?ticket=${ticket}`)).status).toBe(401);
    await client.close();
  });

  it('opens one of many sockets that are asked for at once', async () => {
    const ticket = await ticketFor(ada);
    const answers = await Promise.all(Array.from({ length: 10 }, () => ask({}, `/ws?ticket=${ticket}`)));
    expect(answers.map(({ status }) => status).sort()).toEqual([101, ...Array(9).fill(401)]);
  });

  it('is good for seconds', async () => {
    const before = Date.now();
    const { json } = await instance.send(ada, 'POST /api/v1/realtime/tickets');
    expect(Date.parse(json.expiresAt)).toBeLessThanOrEqual(Date.now() + 30_000);
    expect(Date.parse(json.expiresAt)).toBeGreaterThan(before);
    const [key] = await app.redis.keys('realtime:ticket:*');
    expect(await app.redis.pttl(String(key))).toBeLessThanOrEqual(30_000);
  });

  it('is found neither in Redis nor in a log', async () => {
    const ticket = await ticketFor(ada);
    expect((await app.redis.keys('*')).join()).not.toContain(ticket);
    const client = await withTicket(ticket);
    await client.close();
    await ask({}, `/ws?ticket=${ticket}`);
    expect(app.log.text()).not.toContain(ticket);
    expect(app.log.text()).toContain('"path":"/ws"');
  });

  it('is worth nothing once its session has been revoked', async () => {
    const ticket = await ticketFor(ada);
    const witness = await instance.connect(ada);
    app.tokens.revoke('subject', ada.id);
    await witness.closed;
    expect((await ask({}, `/ws?ticket=${ticket}`)).status).toBe(401);
  });

  it.each(['', 'rtk_', 'rtk_short', 'x'.repeat(47), `rtk_${'a'.repeat(43)}`])(
    'that was never given out is refused: "%s"',
    async (ticket) => {
      const { status, json } = await ask({}, `/ws?ticket=${ticket}`);
      expect([status, json.code]).toEqual([401, 'UNAUTHORIZED']);
    },
  );

  it('is for who is signed in', async () => {
    expect((await instance.send(undefined, 'POST /api/v1/realtime/tickets')).status).toBe(401);
  });
});

describe('a cookie', () => {
  it('opens a socket for a page of an allowed origin', async () => {
    const { status } = await ask({ ...cookieOf(ada), origin: page });
    expect(status).toBe(101);
  });

  it.each([
    ['from nowhere', undefined, 401],
    ['from a foreign page', 'https://evil.test', 403],
  ])('opens none %s', async (_where, origin, status) => {
    expect((await ask({ ...cookieOf(ada), origin })).status).toBe(status);
  });
});

describe('a page that is refused', () => {
  const open = async (headers: Record<string, string>, protocols = ['rostrum.v1']) => {
    const socket = new WebSocket(instance.socketUrl, protocols, { origin: page, headers });
    const [code, reason] = (await once(socket, 'close')) as [number, Buffer];
    return { code, reason: reason.toString(), protocol: socket.protocol };
  };
  const refused = { code: closeCodes.tokenRefused, reason: 'token_refused', protocol: 'rostrum.v1' };

  it('is told so by a close code, since it cannot read an HTTP answer', async () => {
    const before = await instance.metric('websocket_upgrades_refused_total{code="UNAUTHORIZED"}');
    expect(await open({})).toEqual(refused);
    const expired = await app.person('late', { ttlSeconds: -60 });
    expect(await open(cookieOf(expired))).toEqual(refused);
    expect(await open({}, ['rostrum.v1', `bearer.${expired.token}`])).toEqual(refused);
    expect(await instance.metric('websocket_upgrades_refused_total{code="UNAUTHORIZED"}')).toBe(before + 3);
    // Those that others have left may still be on their way out.
    await waitFor(async () => (await instance.metric('websocket_connections')) === 0);
  });
});

describe('plain HTTP', () => {
  it('is told to upgrade', async () => {
    const { status, headers, json } = await instance.send(ada, 'GET /ws');
    expect([status, json.code]).toEqual([426, 'UPGRADE_REQUIRED']);
    expect(headers.get('upgrade')).toBe('websocket');
    expect(headers.get('content-type')).toContain('application/problem+json');
  });

  it('gets nothing by another method', async () => {
    expect((await instance.send(ada, 'POST /ws', {})).status).toBe(405);
  });
});

describe('a newer token', () => {
  const sessionOf = ({ token }: Person): string =>
    JSON.parse(Buffer.from(String(token.split('.')[1]), 'base64url').toString()).sid;
  const renewed = (person: Person, claims: { ttlSeconds?: number } = {}) =>
    app.tokens.sign({
      userId: person.id,
      username: person.username,
      sessionId: sessionOf(person),
      ...claims,
    });

  it('keeps the socket beyond the life of the first', async () => {
    const short = await app.person('short', { ttlSeconds: 5 });
    const client = await instance.connect(short);
    const twin = await instance.connect(short);
    client.send({ type: 'token.refresh', id: 'r1', token: await renewed(short) });
    const ok = await client.next('ok');
    expect(ok).toEqual({ type: 'ok', id: 'r1', tokenExpiresAt: expect.any(String) });
    expect(Date.parse(String(ok.tokenExpiresAt))).toBeGreaterThan(Date.now() + 60_000);
    expect((await twin.closed).code).toBe(closeCodes.tokenExpired);
    await client.roundTrip();
    await client.close();
  });

  it('may be a ticket, for pages that cannot read their cookie', async () => {
    const client = await instance.connect(ada);
    client.send({ type: 'token.refresh', id: 'r2', token: await ticketFor(ada) });
    expect((await client.next('ok')).id).toBe('r2');
    await client.close();
  });

  it.each([
    ['of somebody else', async () => (await app.person('eve')).token],
    ['of another session', () => app.tokens.sign({ userId: ada.id, username: ada.username })],
    ['that is forged', async () => `${ada.token.slice(0, -8)}AAAAAAAA`],
    ['that has expired', () => renewed(ada, { ttlSeconds: -60 })],
    ['that is no ticket', async () => `rtk_${'a'.repeat(43)}`],
  ])('%s ends the socket for good', async (_what, token) => {
    const client = await instance.connect(ada);
    client.send({ type: 'token.refresh', token: await token() });
    expect(await client.closed).toEqual({ code: closeCodes.tokenRefused, reason: 'token_refused' });
  });

  it('is never logged', async () => {
    const client = await instance.connect(ada);
    const token = await renewed(ada);
    client.send({ type: 'token.refresh', id: 'r3', token });
    await client.next('ok');
    await client.close();
    expect(app.log.text()).not.toContain(token);
  });
});
