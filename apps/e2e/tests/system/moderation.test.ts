import { postsModerationRoutes, type Notification, type Post } from '@rostrum/contracts';
import { notYetCalled, People, type Reply } from '../auth/people';
import type { LiveSocket } from './live-socket';
import { join, Member } from './members';
import { startSystem, type System } from './system';

/** Six processes and a gateway, on a machine that has other things to do. */
const patientMs = 180_000;
const desk = '/api/v1/posts/moderation';

let system: System;
let author: Member;
let reader: Member;
let first: Member;
let second: Member;

beforeAll(async () => {
  system = await startSystem();
  [first, second] = [await moderator(), await moderator()];
}, patientMs);
afterAll(() => system?.stop(), patientMs);
beforeEach(async () => {
  [author, reader] = await Promise.all([join(system), join(system)]);
}, patientMs);

/** An operator gives the role; the next token has it. */
async function moderator(): Promise<Member> {
  const { details } = await join(system);
  const [auth] = system.mains.auth;
  expect(await auth?.command('operate', ['admin', 'grant', details.username, 'moderator'])).toMatchObject({
    code: 0,
  });
  const { client } = await new People(system).signIn(details);
  return new Member(system, client, details);
}

const pathOf = ({ id }: Post, part = '') => `/api/v1/posts/${id}${part}`;
const decide = (who: Member, [what, { id }]: [string, Post], reason: string): Promise<Reply> =>
  who.call('POST', `${desk}/posts/${id}/${what}`, { reason });
const report = (path: string) => reader.call('POST', `${path}/reports`, { reason: 'harassment' });

async function inQueue(who: Member, state: string, { id }: Post): Promise<Reply['json']> {
  const { items } = await who.get(`${desk}/queue?state=${state}&limit=100`);
  return items.find(({ post }: { post: Post }) => post.id === id);
}

/** Waits until the author is told of it. */
async function isTold(socket: LiveSocket, action: string): Promise<Notification> {
  const is = (data: unknown) => (data as Notification).moderation?.action === action;
  const found = await socket.next(
    (message) => message.type === 'event' && message.name === 'notification.created' && is(message.data),
    `that it is ${action}`,
  );
  return (found as { data: unknown }).data as Notification;
}

it('a post is reported, hidden, and shown again when its author appeals; who is concerned is told live', async () => {
  const post = await author.publish('A quote of somebody rude');
  expect(await reader.statusOf(pathOf(post))).toBe(200);
  const told = await author.listen('user:me');
  const looking = await reader.listen(`post:${post.id}`);

  expect((await report(pathOf(post))).status).toBe(201);
  expect(await reader.statusOf(`${desk}/queue`)).toBe(403);
  expect(await inQueue(first, 'open', post)).toMatchObject({
    reports: { count: 1, reasons: { harassment: 1 } },
  });
  expect((await first.call('PUT', `${desk}/posts/${post.id}/claim`)).status).toBe(200);
  expect((await decide(second, ['hide', post], 'Rude')).json.code).toBe('CLAIMED');
  expect((await decide(first, ['hide', post], 'No insults')).status).toBe(200);

  expect([await reader.statusOf(pathOf(post)), await author.statusOf(pathOf(post))]).toEqual([404, 404]);
  const hidden = { action: 'hidden', reason: 'No insults' };
  expect(await isTold(told, 'hidden')).toMatchObject({ postId: post.id, actors: [], moderation: hidden });
  await looking.next(
    (message) => message.type === 'error' && message.code === 'CHANNEL_NOT_FOUND',
    'the end of the channel',
  );
  expect(await author.get(pathOf(post, '/moderation'))).toMatchObject({
    post: { id: post.id },
    hidden: true,
    decisions: [{ kind: 'hidden', reason: 'No insults' }],
  });

  expect((await author.call('POST', pathOf(post, '/appeals'), { text: 'A quotation' })).status).toBe(201);
  expect(await inQueue(second, 'appealed', post)).toMatchObject({ appeal: { text: 'A quotation' } });
  expect((await decide(first, ['restore', post], 'Well')).json.code).toBe('OWN_DECISION');
  expect((await decide(second, ['restore', post], 'It is')).status).toBe(200);
  expect([await reader.statusOf(pathOf(post)), await author.statusOf(pathOf(post))]).toEqual([200, 200]);
  await isTold(told, 'restored');
  const { log } = await first.get(`${desk}/posts/${post.id}`);
  expect(log.map(({ kind }: { kind: string }) => kind)).toEqual(['restored', 'hidden', 'claimed']);
  const { items } = await author.get('/api/v1/realtime/notifications');
  expect(items.map(({ moderation }: Notification) => moderation)).toEqual([
    { action: 'restored', reason: 'It is' },
    hidden,
  ]);
  for (const socket of [told, looking]) socket.close();
});

it('reports are dismissed, a hiding is upheld, and people are reported, left to admins and left alone', async () => {
  const [harmless, rude] = [await author.publish('Harmless'), await author.publish('Rude')];
  await report(pathOf(harmless));
  const claimPath = `${desk}/posts/${harmless.id}/claim`;
  expect((await first.call('PUT', claimPath)).status).toBe(200);
  await first.do('DELETE', claimPath);
  expect((await decide(second, ['dismiss', harmless], 'Harmless')).status).toBe(200);
  expect(await reader.statusOf(pathOf(harmless))).toBe(200);

  await decide(first, ['hide', rude], 'Rude');
  await author.call('POST', pathOf(rude, '/appeals'), { text: 'Why?' });
  const told = await author.listen('user:me');
  expect((await decide(second, ['uphold', rude], 'Because')).status).toBe(200);
  await isTold(told, 'upheld');
  expect(await reader.statusOf(pathOf(rude))).toBe(404);
  told.close();

  expect((await report(`/api/v1/users/${author.username}`)).status).toBe(201);
  const { items } = await first.get(`${desk}/people`);
  expect(items).toMatchObject([{ person: { id: author.id }, reports: { count: 1 } }]);
  for (const [what, state] of [
    ['escalate', 'escalated'],
    ['close', 'closed'],
  ]) {
    const { json } = await first.call('POST', `${desk}/people/${author.id}/${what}`, { reason: 'Seen' });
    expect(json.state).toBe(state);
  }
  expect((await second.get(`${desk}/people/${author.id}`)).log).toHaveLength(2);
});

it('has been through every route of moderation', () => {
  expect(notYetCalled(postsModerationRoutes, 'bearer')).toEqual([]);
});
