import { randomUUID } from 'node:crypto';
import { mailRequested, streams } from '@rostrum/contracts';
import { createRedisBus } from '@rostrum/data-access';
import { AuthApp } from './auth-app';

let app: AuthApp;

beforeAll(async () => {
  app = await AuthApp.start();
  await app.startWorker();
});
afterAll(() => app.stop());

/** As the realtime service asks. */
async function ask(userId: string, unread: Record<string, number>, id: string = randomUUID()): Promise<void> {
  const requestedAt = new Date().toISOString();
  const payload = JSON.stringify({ userId, mail: 'notification-digest', unread, requestedAt });
  const { type, version } = mailRequested;
  await createRedisBus({ redis: app.redis }).publish(streams.realtime, [
    { id, type, version, key: userId, occurredAt: requestedAt, payload },
  ]);
}

/** The bus is asked itself: the worker's gauge tells of a moment ago. */
const handled = () =>
  app.until(
    async () => (await createRedisBus({ redis: app.redis }).lag(streams.realtime, 'auth')) === 0,
    'all events to be handled',
  );
const outcomes = async (userId: string) => {
  await handled();
  await app.until(
    async () => (await app.rows('select from auth.mail_jobs where done_at is null')).length === 0,
    'all mail to be sent',
  );
  const rows = await app.rows<{ outcome: string }>(
    `select outcome from auth.mail_jobs where user_id = $1 and kind = 'notification-digest' order by id`,
    [userId],
  );
  return rows.map(({ outcome }) => outcome);
};

it('is sent to the address that the person has shown to be theirs, however often the event comes', async () => {
  const ada = await app.verifiedPerson();
  const id = randomUUID();
  await ask(ada.id, { like: 2, mention: 1 }, id);
  await ask(ada.id, { like: 2, mention: 1 }, id);
  const { text, html } = await app.mailbox.waitFor(ada.email.toLowerCase(), /missed/);
  expect(text).toContain('2 posts that were liked, 1 mention');
  expect(html).toContain('https://rostrum.test');
  expect(await outcomes(ada.id)).toEqual(['sent']);
});

it('is sent to nobody who has shown no address to be theirs, or who is not there', async () => {
  const grace = await app.person();
  await ask(grace.id, { like: 1 });
  await ask(randomUUID(), { like: 1 });
  expect(await outcomes(grace.id)).toEqual(['dropped']);
  expect(app.mailbox.to(grace.email.toLowerCase()).map(({ subject }) => subject)).not.toContain(
    'What you have missed',
  );
});

it('fills nobody’s mailbox', async () => {
  const ada = await app.verifiedPerson();
  for (const count of [1, 2, 3]) await ask(ada.id, { like: count });
  expect((await outcomes(ada.id)).sort()).toEqual(['dropped', 'dropped', 'sent']);
});
