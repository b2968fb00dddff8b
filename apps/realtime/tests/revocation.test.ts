import { closeCodes } from '@rostrum/contracts';
import { RealtimeApp, type Instance, type Person } from './realtime-app';

const promisedMs = 5_000;
let app: RealtimeApp;
let instance: Instance;

beforeAll(async () => {
  app = await RealtimeApp.create();
  instance = await app.instance();
});
afterAll(() => app.stop());

function claimsOf({ token }: Person): { header: { kid: string }; payload: { sid: string } } {
  const [header, payload] = token
    .split('.', 2)
    .map((part) => JSON.parse(Buffer.from(part, 'base64url').toString()));
  return { header, payload };
}

it.each(['session', 'subject'] as const)(
  'open sockets of a revoked %s are closed within five seconds, others stay, and no new one is let in',
  async (kind) => {
    const [ada, eve] = [await app.person('ada'), await app.person('eve')];
    const sockets = [await instance.connect(ada), await instance.connect(ada)];
    const other = await instance.connect(eve);
    const began = performance.now();
    app.tokens.revoke(kind, kind === 'session' ? claimsOf(ada).payload.sid : ada.id);
    for (const { closed } of sockets) {
      expect(await closed).toEqual({ code: closeCodes.sessionRevoked, reason: 'session_revoked' });
    }
    const took = performance.now() - began;
    process.stdout.write(`revoked ${kind}: its sockets were closed after ${Math.round(took)} ms\n`);
    expect(took).toBeLessThan(promisedMs);
    await other.roundTrip();
    await expect(instance.connect(ada)).rejects.toThrow('401');
    expect((await instance.send(ada, 'GET /api/v1/realtime/notifications')).status).toBe(401);
    await other.close();
  },
);

it('all sockets that a revoked key has opened are closed', async () => {
  const ada = await app.person('ada');
  const socket = await instance.connect(ada);
  const before = await instance.metric('websocket_closed_total{reason="session_revoked"}');
  app.tokens.revoke('key', claimsOf(ada).header.kid);
  expect((await socket.closed).code).toBe(closeCodes.sessionRevoked);
  expect(await instance.metric('websocket_closed_total{reason="session_revoked"}')).toBe(before + 1);
});
