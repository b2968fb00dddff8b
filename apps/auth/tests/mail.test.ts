import { randomBytes } from 'node:crypto';
import { startFaultProxy } from '@rostrum/testing';
import { AuthApp } from './auth-app';

const opsToken = randomBytes(24).toString('hex');
let app: AuthApp;
beforeEach(async () => {
  app = await AuthApp.start({ settings: { MAIL_FIRST_RETRY: '0', OPS_TOKEN: opsToken } });
});
afterEach(() => app.stop());

const jobs = () =>
  app.rows<{ outcome: string | null; attempts: number; error: string | null }>(
    'select outcome, attempts, error from auth.mail_jobs order by id',
  );
const outcomes = async () => (await jobs()).map(({ outcome }) => outcome);
/** The worker counts a mail once it has written down what became of it. */
const counted = (outcome: string, count: number) =>
  app.until(
    async () => (await app.workerMetric(`mails_total{kind="verify-email",outcome="${outcome}"}`)) === count,
    `${count} × ${outcome}`,
  );

it('is written down with its cause, and sent when there is a worker', async () => {
  const ada = await app.person();
  expect(await jobs()).toEqual([{ outcome: null, attempts: 0, error: null }]);
  expect(app.mailbox.mails).toEqual([]);
  await app.startWorker();
  const mail = await app.mailbox.waitFor(ada.email, /your address/);
  expect(mail.headers).toMatchObject({ 'auto-submitted': 'auto-generated' });
  expect(mail.id).toMatch(/^<[0-9a-f-]{36}@rostrum\.test>$/);
  await app.until(async () => (await outcomes()).join() === 'sent', 'the note of it');
  await counted('sent', 1);
});

it('says the same as text and as HTML, in which nothing that people chose is more than text', async () => {
  const ada = await app.person();
  await app.startWorker();
  const { html, text, token } = await app.mailbox.waitFor(ada.email, /your address/);
  expect(html).toContain(`href="https://rostrum.test/verify-email#token=${token}"`);
  expect(text).toContain(`https://rostrum.test/verify-email#token=${token}`);
  expect(html).toContain(`@${ada.username}`);
});

it('that cannot be sent now is sent later, with the same token and the same id', async () => {
  const ada = await app.person();
  app.mailbox.verdict = () =>
    app.mailbox.tries <= 2 ? { code: 451, message: 'not now, ada@example.com' } : undefined;
  await app.startWorker();
  await app.mailbox.waitFor(ada.email, /your address/);
  await app.until(async () => (await outcomes()).join() === 'sent', 'the note of it');
  expect((await jobs())[0]?.attempts).toBe(3);
  expect(app.mailbox.to(ada.email)).toHaveLength(1);
  await counted('postponed', 2);
  expect(app.log.text()).not.toContain('ada@example.com');
});

it('waits while no mail server answers, and no request does', async () => {
  await app.mailbox.close();
  const ada = await app.person();
  expect((await app.post('/api/v1/auth/password/forgot', { email: ada.email })).status).toBe(202);
  await app.startWorker();
  await app.until(async () => (await jobs()).every(({ attempts }) => attempts > 0), 'a try');
  expect(await outcomes()).toEqual([null, null]);
  await app.mailbox.open();
  await app.mailbox.waitFor(ada.email, /new password/);
  await app.mailbox.waitFor(ada.email, /your address/);
});

it('that the server refuses for good is a dead letter, which an operator sees and sends again', async () => {
  const ada = await app.person();
  app.mailbox.verdict = () => ({ code: 550, message: 'no such user ada@example.com' });
  const { opsUrl } = await app.startWorker();
  await app.until(async () => (await outcomes()).join() === 'dead', 'a dead letter');
  expect(app.mailbox.tries).toBe(1);
  await counted('dead', 1);
  const errors = () => app.log.lines().filter(({ level }) => level === 'error');
  await app.until(() => errors().length > 0, 'the line that says so');
  expect(errors()).toMatchObject([
    { message: 'A mail was given up', kind: 'verify-email', reason: 'EENVELOPE 550' },
  ]);
  expect(app.log.text()).not.toContain('ada@example.com');

  const headers = { authorization: `Bearer ${opsToken}` };
  expect((await fetch(`${opsUrl}/admin/dead-mail`)).status).toBe(403);
  const listed = (await (await fetch(`${opsUrl}/admin/dead-mail`, { headers })).json()) as {
    items: object[];
  };
  expect(listed.items).toMatchObject([{ kind: 'verify-email', attempts: 1, error: 'EENVELOPE 550' }]);
  expect(JSON.stringify(listed)).not.toContain('example.com');

  app.mailbox.verdict = () => undefined;
  const replay = await fetch(`${opsUrl}/admin/dead-mail/replay`, { method: 'POST', headers });
  expect(await replay.json()).toEqual({ replayed: 1 });
  const { token } = await app.mailbox.waitFor(ada.email, /your address/);
  expect((await app.post('/api/v1/auth/email/verify', { token })).status).toBe(204);
});

it('that the server puts off again and again is given up in the end', async () => {
  await app.person();
  app.mailbox.verdict = () => ({ code: 451, message: 'not now' });
  await app.startWorker();
  await app.until(async () => (await outcomes()).join() === 'dead', 'a dead letter');
  expect(await jobs()).toEqual([{ outcome: 'dead', attempts: 10, error: 'EENVELOPE 451' }]);
});

it('is sent once, however many workers there are', async () => {
  const people = await Promise.all(Array.from({ length: 12 }, () => app.person()));
  await Promise.all([app.startWorker(), app.startWorker(), app.startWorker()]);
  await app.until(async () => (await outcomes()).every((outcome) => outcome === 'sent'), 'all to be sent');
  expect(app.mailbox.mails.map(({ to }) => to).sort()).toEqual(people.map(({ email }) => email).sort());
});

it('that one worker is just taking is left to it, and the others go on with the next', async () => {
  const [ada, grace] = [await app.person(), await app.person()];
  const taking = `update auth.mail_jobs set attempts = attempts + 1, due_at = now() + interval '5 minutes'
                   where user_id = $1`;
  await app.uncommitted(taking, [ada.id], async () => {
    await Promise.all([app.startWorker(), app.startWorker()]);
    await app.mailbox.waitFor(grace.email, /your address/);
  });
  const eve = await app.person();
  await app.mailbox.waitFor(eve.email, /your address/);
  expect(app.mailbox.mails.map(({ to }) => to)).toEqual([grace.email, eve.email]);
  expect((await jobs()).map(({ attempts }) => attempts)).toEqual([1, 1, 1]);
});

it('of a worker that died in the midst of it is sent by another when its time is over', async () => {
  const ada = await app.person();
  await app.rows(`update auth.mail_jobs set attempts = 1, due_at = now() + interval '5 minutes'`);
  await app.startWorker();
  await app.rows(`update auth.mail_jobs set due_at = now()`);
  await app.mailbox.waitFor(ada.email, /your address/);
  expect((await jobs())[0]?.attempts).toBe(2);
});

it('is not sent in clear where TLS is asked for', async () => {
  await app.person();
  await app.startWorker({ SMTP_REQUIRE_TLS: 'true' });
  await app.until(async () => (await jobs())[0]?.error !== null, 'a try');
  expect(app.mailbox.mails).toEqual([]);
  expect(await outcomes()).toEqual([null]);
});

it('waits for PostgreSQL like everything else', async () => {
  const ada = await app.person();
  let postgres: Awaited<ReturnType<typeof startFaultProxy>> | undefined;
  await app.startWorker({}, async (databaseUrl) => {
    postgres = await startFaultProxy({ target: databaseUrl });
    return { DATABASE_URL: postgres.urlFor(databaseUrl) };
  });
  await app.mailbox.waitFor(ada.email, /your address/);
  await postgres?.refuse();
  const grace = await app.person();
  await app.until(() => app.log.text().includes('Mail waits'), 'the complaint');
  await postgres?.heal();
  await app.mailbox.waitFor(grace.email, /your address/);
  await app.stop();
  await postgres?.close();
});
