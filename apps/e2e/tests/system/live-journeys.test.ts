import type { Notification } from '@rostrum/contracts';
import { waitFor } from '@rostrum/testing';
import { Mailbox } from '@rostrum/testing/mailbox';
import type { LiveSocket } from './live-socket';
import { join, type Member } from './members';
import { startSystem, type System } from './system';

/** Six processes and a gateway, on a machine that has other things to do. */
const patientMs = 180_000;
const patient = { timeoutMs: 30_000 };
const notifications = '/api/v1/realtime/notifications';

let mailbox: Mailbox;
let system: System;
let ada: Member;
let grace: Member;
let open: LiveSocket[];

beforeAll(async () => {
  mailbox = new Mailbox();
  await mailbox.open();
  const mail = { SMTP_URL: mailbox.url, MAIL_POLL_MS: '50', DIGEST_POLL_MS: '200' };
  system = await startSystem({ instances: { realtime: 2 }, environment: mail });
}, patientMs);
afterAll(async () => {
  await system?.stop();
  await mailbox.close();
}, patientMs);
beforeEach(async () => {
  open = [];
  [ada, grace] = await Promise.all([join(system), join(system)]);
}, patientMs);
afterEach(() => {
  for (const socket of open) socket.close();
});

async function listen(member: Member, ...channels: string[]): Promise<LiveSocket> {
  const socket = await member.listen(...channels);
  open.push(socket);
  return socket;
}

const userPath = ({ username }: Member, part = '') => `/api/v1/users/${username}${part}`;
const follow = (who: Member, whom: Member) => who.do('PUT', userPath(whom, '/follow'));
const postPath = (id: string, part = '') => `/api/v1/posts/${id}${part}`;

describe('notifications of each kind', () => {
  type Deed = () => Promise<{ postId?: string; newPostId?: string }>;
  const deeds: Record<string, Deed> = {
    follow: async () => {
      await follow(grace, ada);
      return {};
    },
    follow_request: async () => {
      await ada.call('PATCH', '/api/v1/users/me', { isPrivate: true });
      expect((await grace.call('PUT', userPath(ada, '/follow'))).status).toBe(202);
      return {};
    },
    like: async () => {
      const { id } = await ada.publish('Like it');
      await grace.do('PUT', postPath(id, '/like'));
      return { postId: id };
    },
    repost: async () => {
      const { id } = await ada.publish('Pass it on');
      await grace.do('PUT', postPath(id, '/repost'));
      return { postId: id };
    },
    reply: async () => {
      const { id } = await ada.publish('Say something');
      return { postId: id, newPostId: (await grace.publish('Something', { replyTo: id })).id };
    },
    quote: async () => {
      const { id } = await ada.publish('Quote me');
      return { postId: id, newPostId: (await grace.publish('She said:', { quoteOf: id })).id };
    },
    mention: async () => ({ postId: (await grace.publish(`Hello @${ada.username}`)).id }),
  };

  it.each(Object.entries(deeds))('%s: told live, and found in the list later', async (kind, deed) => {
    const socket = await listen(ada, 'user:me');
    const expected = { kind, actors: [{ id: grace.id, username: grace.username }], ...(await deed()) };
    const { data } = await socket.event('notification.created', { kind });
    expect(data).toMatchObject(expected);
    const { items, unread } = await ada.get(notifications);
    expect([unread, items]).toMatchObject([1, [{ ...expected, id: (data as Notification).id }]]);
    const { position } = data as Notification;
    expect((await ada.call('POST', `${notifications}/read`, { upTo: position })).status).toBe(204);
    expect((await ada.get(notifications)).unread).toBe(0);
  });

  it('and none of what one does oneself, or somebody who is muted', async () => {
    const [socket, hers] = [await listen(ada, 'user:me'), await listen(grace, 'user:me')];
    await ada.do('PUT', userPath(grace, '/mute'));
    // What is told of grace comes in order: by then the mute is known as well.
    await follow(ada, grace);
    await hers.event('notification.created', { kind: 'follow' });
    const { id } = await ada.publish('Quiet, please');
    // So does what is told of ada's posts: the last one says that the others have been dealt with.
    for (const who of [ada, grace]) await who.do('PUT', postPath(id, '/like'));
    const other = await join(system);
    await other.do('PUT', postPath(id, '/like'));
    const { data } = await socket.event('notification.created');
    expect(data).toMatchObject({ kind: 'like', actorCount: 1, actors: [{ id: other.id }] });
  });

  it('are summed up in a daily mail for those who want it', async () => {
    const { token } = await mailbox.waitFor(ada.details.email, /your address/);
    expect((await ada.call('POST', '/api/v1/auth/email/verify', { token })).status).toBe(204);
    const { id } = await ada.publish('Anybody there?');
    await grace.do('PUT', postPath(id, '/like'));
    const arrived = async () => (await ada.get(notifications)).unread === 1;
    await waitFor(arrived, { what: 'a notification', ...patient });
    const change = { kinds: { like: { mail: true } }, timeZone: 'UTC', digestHour: 0 };
    expect((await ada.call('PATCH', `${notifications}/settings`, change)).status).toBe(200);
    const { text } = await mailbox.waitFor(ada.details.email, /missed/);
    expect(text).toContain('1 post that was liked');
    const digests = mailbox.mails.filter(({ subject }) => /missed/.test(subject));
    expect(digests.map(({ to }) => to)).toEqual([ada.details.email]);
  });
});

describe('who listens', () => {
  const presence = ({ username }: Member) => `presence:${username}`;
  const ends = (socket: LiveSocket, channel: string) =>
    socket.next(
      (message) =>
        message.type === 'error' && message.channel === channel && message.code === 'CHANNEL_NOT_FOUND',
      `the end of ${channel}`,
    );

  it('hears in their feed of those whom they follow', async () => {
    const [told, feed] = [await listen(ada, 'user:me'), await listen(grace, 'feed:me')];
    await follow(grace, ada);
    // By then realtime knows of the follow.
    await told.event('notification.created', { kind: 'follow' });
    const { id } = await ada.publish('News');
    await feed.event('post.created', { postId: id, authorId: ada.id });
  });

  it('hears how somebody is, who may say that they are not to be seen', async () => {
    const socket = await listen(grace, presence(ada));
    await socket.event('presence.changed', { state: 'offline' });
    const first = await listen(ada);
    await socket.event('presence.changed', { state: 'online' });
    first.send({ type: 'presence', state: 'away' });
    await socket.event('presence.changed', { state: 'away' });
    first.send({ type: 'presence', state: 'invisible' });
    const states = () =>
      socket.events('presence.changed').map(({ data }) => (data as { state: string }).state);
    await waitFor(() => states().length === 4, { what: 'the last change', ...patient });
    expect(states()).toEqual(['offline', 'online', 'away', 'offline']);
  });

  it('hears no more of who has become private, or blocks them, from that moment on', async () => {
    const { id } = await ada.publish('For all, at first');
    const channel = `post:${id}`;
    const other = await join(system);
    await follow(other, ada);
    const [stranger, follower] = [
      await listen(grace, channel, presence(ada)),
      await listen(other, channel, presence(ada)),
    ];
    await ada.call('PATCH', '/api/v1/users/me', { isPrivate: true });
    await ends(stranger, channel);
    await ada.publish('Among us', { replyTo: id });
    await follower.event('post.replied', { postId: id });
    await ada.do('PUT', userPath(other, '/block'));
    for (const each of [channel, presence(ada)]) await ends(follower, each);
    await stranger.roundTrip();
    expect(stranger.events('post.replied')).toEqual([]);
    expect(await stranger.tryToSubscribe(channel)).toMatchObject({ code: 'CHANNEL_NOT_FOUND' });
  });

  it('hears of a reply only if they may see it', async () => {
    const { id } = await ada.publish('What do you think?');
    await follow(ada, grace);
    const eve = await join(system);
    const [author, stranger] = [await listen(ada, `post:${id}`), await listen(eve, `post:${id}`)];
    const among = await grace.publish('Between us', { replyTo: id, visibility: 'followers' });
    const open = await grace.publish('For all to hear', { replyTo: id });
    for (const { id: replyId } of [among, open]) await author.event('post.replied', { replyId });
    await stranger.event('post.replied', { replyId: open.id });
    expect(stranger.events('post.replied')).toHaveLength(1);
    expect(await eve.statusOf(postPath(among.id))).toBe(404);
  });
});
