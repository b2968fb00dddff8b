import { conformanceCases, openRawWebSocket } from '@rostrum/testing';
import { RealtimeApp, type Instance, type Person } from './realtime-app';

let app: RealtimeApp;
let instance: Instance;
let ada: Person;

beforeAll(async () => {
  app = await RealtimeApp.create({ environment: { WEBSOCKET_MAX_CONNECTIONS_PER_USER: '1000' } });
  instance = await app.instance();
  ada = await app.person('ada');
});
afterAll(() => app.stop());

describe.each(Object.entries(conformanceCases))('%s', (_area, cases) => {
  it.each(cases.map(({ name, run }) => [name, run] as const))('%s', async (_name, run) => {
    const client = await openRawWebSocket(instance.url, { token: ada.token });
    try {
      await client.messages(1);
      await run(client);
    } finally {
      client.socket.destroy();
    }
  });
});

it('the process lives, and so do others', async () => {
  expect(await instance.probe('healthz')).toBe(200);
  const client = await instance.connect(ada);
  await client.roundTrip();
  await client.close();
});
