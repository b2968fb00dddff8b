import { AuthApp, type Person } from './auth-app';

let app: AuthApp;

beforeAll(async () => {
  app = await AuthApp.start();
  await app.startWorker();
});
afterAll(() => app.stop());

const firefox = {
  headers: { 'user-agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0' },
};
const jobsAbout = ({ id }: Person) =>
  app.rows(`select details from auth.mail_jobs where user_id = $1 and kind = 'new-device'`, [id]);

it('the owner is told of a sign-in on a device that nobody has signed in on before', async () => {
  const ada = await app.verifiedPerson();
  await app.signIn(ada);
  expect(await jobsAbout(ada)).toEqual([]);
  await app.signIn(ada, firefox);
  const { text } = await app.mailbox.waitFor(ada.email, /another device/);
  expect(text).toMatch(/Firefox on Linux, on \d{4}-\d\d-\d\d at \d\d:\d\d UTC/);
  expect(text).toContain('https://rostrum.test/forgot-password');
});

it('nobody is told of a device that is known', async () => {
  const ada = await app.verifiedPerson();
  const { deviceToken } = await app.signIn(ada);
  const { username: identifier, password } = ada;
  const again = await app.post('/api/v1/auth/login', { identifier, password, deviceToken });
  expect(again.status).toBe(200);
  expect(await jobsAbout(ada)).toEqual([]);
  const eve = await app.verifiedPerson();
  await app.signIn(eve);
  const theirs = { identifier: eve.username, password: eve.password, deviceToken };
  expect((await app.post('/api/v1/auth/login', theirs)).status).toBe(200);
  expect(await jobsAbout(eve)).toHaveLength(1);
});

it('nobody is written to at an address that they have not shown to be theirs', async () => {
  const ada = await app.person();
  await app.signIn(ada);
  await app.signIn(ada, firefox);
  expect(await jobsAbout(ada)).toEqual([]);
});

it('a sign-in that is refused is no sign-in', async () => {
  const ada = await app.verifiedPerson();
  await app.signIn(ada);
  expect((await app.login(ada.username, 'wrong horse', firefox)).status).toBe(401);
  expect(await jobsAbout(ada)).toEqual([]);
});
