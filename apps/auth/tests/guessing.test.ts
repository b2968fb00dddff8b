import { AuthApp, newDetails, tellingHeaders, type Person } from './auth-app';

let app: AuthApp;
let ada: Person;

beforeAll(async () => {
  app = await AuthApp.start({
    settings: {
      TRUSTED_PROXIES: '127.0.0.1',
      LOGIN_FIRST_DELAY_MS: '600000',
      LOGIN_LONGEST_DELAY_MS: '600000',
      // On a busy machine too Redis counts, and no process by itself.
      REDIS_COMMAND_TIMEOUT_MS: '10000',
    },
  });
});
beforeEach(async () => {
  ada = await app.person();
});
afterAll(() => app.stop());

let addresses = 0;
/** An address that nobody has used before. */
const newAddress = () => {
  addresses += 1;
  return `10.1.${Math.floor(addresses / 250)}.${(addresses % 250) + 1}`;
};
const from = (address: string) => ({ headers: { 'x-forwarded-for': address } });
const tryAt = (identifier: string, password: string, address: string) =>
  app.login(identifier, password, from(address));

async function exhaust(identifier: string, address: string): Promise<void> {
  for (let i = 0; i < 5; i += 1) expect((await tryAt(identifier, 'wrong horse', address)).status).toBe(401);
}

it('some wrong passwords are free, then even the right one has to wait', async () => {
  const address = newAddress();
  await exhaust(ada.username, address);
  const before = await app.metric('sign_ins_total{outcome="delayed"}');
  for (const password of ['wrong horse', ada.password]) {
    const answer = await tryAt(ada.username, password, address);
    expect([answer.status, answer.json.code]).toEqual([429, 'TOO_MANY_ATTEMPTS']);
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(500);
  }
  expect(await app.metric('sign_ins_total{outcome="delayed"}')).toBe(before + 2);
});

it('a stranger shuts nobody out: not from elsewhere, and not from a device that is known', async () => {
  const [home, elsewhere] = [newAddress(), newAddress()];
  const { json } = await tryAt(ada.username, ada.password, home);
  await exhaust(ada.username, home);
  expect((await tryAt(ada.username, ada.password, elsewhere)).status).toBe(200);
  expect((await tryAt(ada.username, ada.password, home)).status).toBe(429);
  const known = { identifier: ada.username, password: ada.password, deviceToken: json.deviceToken };
  const inBody = await app.post('/api/v1/auth/login', known, from(home));
  expect(inBody.status).toBe(200);
  const { deviceToken: _, ...credentials } = known;
  const headers = { ...from(home).headers, cookie: `__Host-rostrum_device=${json.deviceToken}` };
  expect((await app.post('/api/v1/auth/login', credentials, { headers })).status).toBe(200);
});

it('during a spray from many networks its owner signs in from the device they always use', async () => {
  const home = newAddress();
  const { json } = await tryAt(ada.username, ada.password, home);
  const spray = Array.from({ length: 30 }, () => tryAt(ada.username, 'wrong horse', newAddress()));
  const own = app.post(
    '/api/v1/auth/login',
    { identifier: ada.username, password: ada.password, deviceToken: json.deviceToken },
    from(home),
  );
  expect((await own).status).toBe(200);
  expect((await Promise.all(spray)).map(({ status }) => status)).not.toContain(200);
});

it.each<[string, (token: string, other: string) => string]>([
  ['of somebody else', (_, other) => other],
  ['that was changed', (token) => `${token.slice(0, -6)}AAAAAA`],
  ['that is none', () => 'hunter2'],
])('a device token %s opens nothing', async (_, make) => {
  const address = newAddress();
  const eve = await app.person();
  const own = (await tryAt(ada.username, ada.password, newAddress())).json.deviceToken;
  const other = (await tryAt(eve.username, eve.password, newAddress())).json.deviceToken;
  await exhaust(ada.username, address);
  const body = { identifier: ada.username, password: ada.password, deviceToken: make(own, other) };
  expect((await app.post('/api/v1/auth/login', body, from(address))).status).toBe(429);
});

it('thirty clients that know the password get in at once', async () => {
  const address = newAddress();
  const answers = await Promise.all(
    Array.from({ length: 30 }, () => tryAt(ada.username, ada.password, address)),
  );
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
});

it('a hundred guesses at once are as many as one after the other, over two processes', async () => {
  const address = newAddress();
  const other = await app.second();
  const answers = await Promise.all(
    Array.from({ length: 100 }, (_, n) =>
      (n % 2 === 0 ? app : other).login(ada.username, 'wrong horse', from(address)),
    ),
  );
  const tried = answers.filter(({ status }) => status === 401).length;
  expect(tried).toBe(5);
  expect(answers.filter(({ status }) => status === 429)).toHaveLength(100 - tried);
});

it('a name that nobody has is held up like one that somebody has', async () => {
  const [address, nobody] = [newAddress(), newDetails().username];
  const shown = [];
  for (const identifier of [ada.username, nobody]) {
    const answers = [];
    for (let i = 0; i < 7; i += 1) {
      const answer = await tryAt(identifier, 'wrong horse', address);
      const headers = { ...tellingHeaders(answer), 'retry-after': '' };
      answers.push({ status: answer.status, headers, code: answer.json.code });
    }
    shown.push(answers);
  }
  expect(shown[0]?.at(-1)?.code).toBe('TOO_MANY_ATTEMPTS');
  expect(shown[1]).toEqual(shown[0]);
});

it('refusals are written down, with whom they were about and from where, sealed', async () => {
  const address = newAddress();
  await tryAt(ada.username, 'wrong horse', address);
  await tryAt(newDetails().username, 'wrong horse', address);
  const refusals = () =>
    app.rows<{ body: string }>(
      `select body from auth.audit_events where action = 'session.started' and result = 'refused'
        order by occurred_at desc limit 2`,
    );
  await app.until(async () => {
    const subjects = (await refusals()).map(
      ({ body }) => (JSON.parse(body) as { subjectId?: string }).subjectId,
    );
    return subjects.includes(ada.id) && subjects.includes(undefined);
  }, 'both refusals');
  expect(JSON.stringify(await refusals())).not.toContain(address);
});
