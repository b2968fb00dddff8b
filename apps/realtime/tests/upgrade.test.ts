import { problemSchema } from '@rostrum/contracts';
import { waitFor } from '@rostrum/testing';
import { askForUpgrade, LiveClient } from './live-client';
import { RealtimeApp, type Instance, type Person } from './realtime-app';

let app: RealtimeApp;
let instance: Instance;
let ada: Person;

beforeAll(async () => {
  app = await RealtimeApp.create({ environment: { TRUSTED_PROXIES: '127.0.0.1' } });
  instance = await app.instance();
  ada = await app.person('ada');
});
afterAll(() => app.stop());

const ask = (headers: Record<string, string | undefined>, path = '/ws') =>
  askForUpgrade(instance.url + path, headers);
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

describe('an upgrade that is let in', () => {
  it('is welcomed before anything else', async () => {
    const client = await instance.connect(ada, { channels: [] });

    expect(client.socket.protocol).toBe('rostrum.v1');
    expect(client.socket.extensions).toBe('');
    expect(client.messages).toEqual([
      {
        type: 'welcome',
        connectionId: expect.stringMatching(/^[0-9a-f-]{36}$/),
        userId: ada.id,
        heartbeatSeconds: 12,
        tokenExpiresAt: expect.any(String),
        limits: {
          messagesPerSecond: 50,
          messageBurst: 100,
          maxMessageBytes: 16_384,
          maxSubscriptions: 200,
        },
      },
    ]);
    await client.close();
  });

  it('may bring the token as a sub-protocol, which is not echoed', async () => {
    const client = await instance.connect(ada, { asBrowser: true, origin: 'https://app.test' });
    expect(client.socket.protocol).toBe('rostrum.v1');
    await client.close();
  });

  it.each(['https://app.test', 'https://admin.test:8443', undefined])(
    'comes from origin %s',
    async (origin) => {
      const { status, headers } = await ask({ ...bearer(ada.token), origin });
      expect(status).toBe(101);
      expect(headers['sec-websocket-protocol']).toBe('rostrum.v1');
    },
  );

  it('is answered with its request id, or a new one in place of a hostile one', async () => {
    const kept = await ask({ ...bearer(ada.token), 'x-request-id': 'my-request.0001' });
    expect(kept.headers['x-request-id']).toBe('my-request.0001');
    const replaced = await ask({ ...bearer(ada.token), 'x-request-id': 'a b' });
    expect(replaced.headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('never takes the query for anything', async () => {
    expect((await ask({}, `/ws?token=${ada.token}`)).status).toBe(401);
    expect((await ask(bearer(ada.token), '/ws?a=b')).status).toBe(101);
  });
});

describe('an upgrade that is refused', () => {
  const expired = () => app.person('late', { ttlSeconds: -60 });

  type Headers = Record<string, string | undefined>;
  const offering = (protocols: string | undefined) => ({ 'sec-websocket-protocol': protocols });
  const refusals: Record<string, [number, Record<string, () => Promise<Headers>>]> = {
    UNAUTHORIZED: [
      401,
      {
        'no token': async () => ({}),
        'an empty token': async () => ({ authorization: 'Bearer ' }),
        'another scheme': async () => ({ authorization: `Basic ${ada.token}` }),
        'an expired token': async () => bearer((await expired()).token),
        'a forged token': async () => bearer(`${ada.token.slice(0, -8)}AAAAAAAA`),
        'a token of another kind': async () => bearer(await app.tokens.sign({ header: { typ: 'JWT' } })),
        'an expired token as sub-protocol': async () =>
          offering(`rostrum.v1, bearer.${(await expired()).token}`),
      },
    ],
    ORIGIN_NOT_ALLOWED: [
      403,
      {
        'a foreign origin': async () => ({ origin: 'https://evil.test' }),
        'an allowed host on another port': async () => ({ origin: 'https://app.test:444' }),
        'an allowed host without TLS': async () => ({ origin: 'http://app.test' }),
        'a page without origin': async () => ({ origin: 'null' }),
      },
    ],
    SUB_PROTOCOL_REQUIRED: [
      400,
      {
        'no sub-protocol': async () => offering(undefined),
        'another sub-protocol': async () => offering('rostrum.v2'),
      },
    ],
    MALFORMED_HANDSHAKE: [
      400,
      {
        'an old version': async () => ({ 'sec-websocket-version': '12' }),
        'no key': async () => ({ 'sec-websocket-key': undefined }),
        'a sub-protocol offered twice': async () => offering('rostrum.v1, rostrum.v1'),
      },
    ],
  };
  const cases = Object.entries(refusals).flatMap(([code, [status, each]]) =>
    Object.entries(each).map(([what, headers]) => ({ what, headers, status, code })),
  );

  it.each(cases)('for $what', async ({ headers, status, code }) => {
    const goodToken = code === 'UNAUTHORIZED' ? {} : bearer(ada.token);
    const refused = await instance.metric(`websocket_upgrades_refused_total{code="${code}"}`);
    const answer = await ask({ 'x-request-id': 'upgrade-refused', ...goodToken, ...(await headers()) });

    expect(answer.status).toBe(status);
    expect(answer.headers['content-type']).toBe('application/problem+json');
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(answer.headers['x-request-id']).toBe('upgrade-refused');
    expect(problemSchema.parse(answer.json)).toMatchObject({
      status,
      code,
      instance: '/ws',
      requestId: 'upgrade-refused',
    });
    const after = await instance.metric(`websocket_upgrades_refused_total{code="${code}"}`);
    expect(after - (Number.isNaN(refused) ? 0 : refused)).toBe(1);
  });

  it('names what it needs in WWW-Authenticate', async () => {
    expect((await ask({})).headers['www-authenticate']).toContain('Bearer');
  });

  it.each(['/', '/ws/', '/WS', '/wss', '/api/v1/realtime/notifications'])('at %s', async (path) => {
    const { status, json } = await ask(bearer(ada.token), path);
    expect([status, json.code, json.instance]).toEqual([404, 'ROUTE_NOT_FOUND', path]);
  });

  it('leaves other upgrades alone: the request is answered as it is', async () => {
    const { status, json } = await ask({ upgrade: 'h2c' }, '/healthz');
    expect([status, json]).toEqual([200, { status: 'ok' }]);
  });

  it('leaves no connection, subscription or presence behind', async () => {
    const lonely = await app.person('lonely');
    await ask({ ...bearer(lonely.token), 'sec-websocket-version': '12' });
    await waitFor(async () => (await instance.metric('websocket_connections')) === 0);
    expect(await app.redis.pubsub('NUMSUB', `realtime:live:user:${lonely.id}`)).toEqual([
      expect.any(String),
      0,
    ]);
    expect(await app.redis.exists(`realtime:presence:${lonely.id}`)).toBe(0);
  });
});

describe('what is told of upgrades', () => {
  it('is an access line and a count for each, with the user and without the token', async () => {
    const before = await instance.metric('http_requests_total{method="GET",route="/ws",status="101"}');
    const client = await LiveClient.open(instance.socketUrl, {
      token: ada.token,
      asBrowser: true,
      headers: { 'x-request-id': 'upgrade-logged', 'x-forwarded-for': '203.0.113.7' },
    });
    await client.close();

    const line = await waitFor(() =>
      app.log.lines().find(({ request_id }) => request_id === 'upgrade-logged'),
    );
    expect(line).toMatchObject({ status: 101, route: '/ws', path: '/ws', user_id: ada.id });
    expect(JSON.stringify(line)).toContain('203.0.113.7');
    expect(await instance.metric('http_requests_total{method="GET",route="/ws",status="101"}')).toBe(
      before + 1,
    );
    expect(app.log.text()).not.toContain(ada.token);
    expect(app.log.text()).not.toContain(ada.token.split('.')[2]);
  });
});
