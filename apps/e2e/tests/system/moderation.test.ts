import type { Notification } from '@rostrum/contracts';
import { waitFor } from '@rostrum/testing';
import WebSocket from 'ws';
import { People, type Client, type Details } from '../auth/people';
import { startSystem, type System } from './system';

/** Six processes and a gateway, on a machine that has other things to do. */
const patientMs = 180_000;
const posts = '/api/v1/posts';
const desk = `${posts}/moderation`;

interface Message {
  type: string;
  channel?: string;
  code?: string;
  data?: Notification;
}

let system: System;
let people: People;
let author: Client;
let reader: Client;
let moderators: [Client, Client];

beforeAll(async () => {
  system = await startSystem();
  people = new People(system);
  const [ada, eve] = [await people.register(), await people.register()];
  [author, reader] = [(await people.signIn(ada)).client, (await people.signIn(eve)).client];
  moderators = [await moderator(), await moderator()];
}, patientMs);
afterAll(() => system?.stop(), patientMs);

/** An operator gives the role; the next token has it. */
async function moderator(): Promise<Client> {
  const details: Details = await people.register();
  const [auth] = system.mains.auth;
  expect(await auth?.command('operate', ['admin', 'grant', details.username, 'moderator'])).toMatchObject({
    code: 0,
  });
  return (await people.signIn(details)).client;
}

async function listen(client: Client, channel: string) {
  const socket = new WebSocket(
    `${system.gateway.url.replace('https', 'wss')}/ws`,
    ['rostrum.v1', `bearer.${client.token}`],
    { ca: system.certificate },
  );
  const received: Message[] = [];
  socket.on('message', (data) => received.push(JSON.parse(String(data)) as Message));
  const came = (what: string, is: (message: Message) => boolean) =>
    waitFor(() => received.find(is), { what, timeoutMs: 30_000 });
  await came('the welcome', ({ type }) => type === 'welcome');
  socket.send(JSON.stringify({ type: 'subscribe', channel }));
  await came('the subscription', ({ type }) => type === 'subscribed');
  return { came, end: () => socket.terminate() };
}

const isTold =
  (action: string) =>
  ({ data }: Message) =>
    data?.kind === 'moderation' && data.moderation?.action === action;

it('a post is reported, hidden, and shown again when its author appeals; who is concerned is told live', async () => {
  const [first, second] = moderators;
  const { json: post } = await author.call('POST', posts, { text: 'A quote of somebody rude' });
  const path = `${posts}/${post.id}`;
  const atWork = `${desk}/posts/${post.id}`;
  const status = async (client: Client) => (await client.call('GET', path)).status;
  const inQueue = async (client: Client, state: string) =>
    (await client.call('GET', `${desk}/queue?state=${state}`)).json.items.find(
      (item: { post: { id: string } }) => item.post.id === post.id,
    );
  expect(await status(reader)).toBe(200);
  const told = await listen(author, 'user:me');
  const looking = await listen(reader, `post:${post.id}`);

  const report = await reader.call('POST', `${path}/reports`, { reason: 'harassment', note: 'See line 1' });
  expect(report.status).toBe(201);
  expect((await reader.call('GET', `${desk}/queue`)).status).toBe(403);
  expect(await inQueue(first, 'open')).toMatchObject({ reports: { count: 1, reasons: { harassment: 1 } } });
  expect((await first.call('PUT', `${atWork}/claim`)).status).toBe(200);
  const hide = { reason: 'Rule 1: no insults' };
  expect((await second.call('POST', `${atWork}/hide`, hide)).json.code).toBe('CLAIMED');
  expect((await first.call('POST', `${atWork}/hide`, hide)).status).toBe(200);

  expect([await status(reader), await status(author)]).toEqual([404, 404]);
  const hidden = await told.came('that it is hidden', isTold('hidden'));
  expect(hidden.data).toMatchObject({ postId: post.id, actors: [], moderation: hide });
  await looking.came('the end of the channel', ({ code }) => code === 'CHANNEL_NOT_FOUND');
  const seen = await author.call('GET', `${path}/moderation`);
  expect(seen.json).toMatchObject({ post: { id: post.id }, hidden: true, decisions: [hide] });

  expect((await author.call('POST', `${path}/appeals`, { text: 'It is a quotation' })).status).toBe(201);
  expect(await inQueue(second, 'appealed')).toMatchObject({ appeal: { text: 'It is a quotation' } });
  const restore = { reason: 'A quotation indeed' };
  expect((await first.call('POST', `${atWork}/restore`, restore)).json.code).toBe('OWN_DECISION');
  expect((await second.call('POST', `${atWork}/restore`, restore)).status).toBe(200);
  expect([await status(reader), await status(author)]).toEqual([200, 200]);
  expect((await told.came('that it is restored', isTold('restored'))).data?.moderation).toMatchObject(
    restore,
  );

  const record = await first.call('GET', atWork);
  expect(record.json.log.map(({ kind }: { kind: string }) => kind)).toEqual([
    'restored',
    'hidden',
    'claimed',
  ]);
  const { json } = await author.call('GET', '/api/v1/realtime/notifications');
  expect(json.items.map(({ moderation }: Notification) => moderation?.action)).toEqual([
    'restored',
    'hidden',
  ]);
  for (const socket of [told, looking]) socket.end();
});
