import {
  authAccountRoutes,
  authCookies,
  authPasswordRoutes,
  authSessionRoutes,
  closeCodes,
  csrfHeader,
  jwksRoute,
  verifyRoute,
  type ServerMessage,
} from '@rostrum/contracts';
import { waitFor } from '@rostrum/testing';
import { Mailbox } from '@rostrum/testing/mailbox';
import WebSocket from 'ws';
import { LiveSocket } from '../system/live-socket';
import { startSystem, type System } from '../system/system';
import { modes, newDetails, notYetCalled, People, type Client } from './people';

/** Six processes and a gateway, on a machine that has other things to do. */
const patientMs = 180_000;

let mailbox: Mailbox;
let system: System;
let people: People;

beforeAll(async () => {
  mailbox = new Mailbox();
  await mailbox.open();
  system = await startSystem({
    instances: { auth: 2 },
    environment: { SMTP_URL: mailbox.url, MAIL_POLL_MS: '50', WEB_URL: 'https://rostrum.test' },
  });
  people = new People(system);
}, patientMs);

afterAll(async () => {
  await system?.stop();
  await mailbox.close();
}, patientMs);

const within5s = { timeoutMs: 5_000 };
const untilRefused = (caller: Client, what: string) =>
  waitFor(async () => !(await people.mayRead(caller)), { what, ...within5s });

/** With the token in the body, or with the cookie that it is in. */
async function refresh(caller: Client, refreshToken?: string) {
  const body = caller.mode === 'bearer' ? { refreshToken } : undefined;
  const reply = await caller.call('POST', '/api/v1/auth/refresh', body);
  if (reply.status === 200) caller.keep(reply);
  return reply;
}

describe.each(modes)('a client with a session of mode %s', (mode) => {
  it('signs up, verifies the address, stays signed in, and signs out everywhere', async () => {
    const ada = await people.register(newDetails(), mode);
    const { client: phone, tokens } = await people.signIn(ada, mode);
    expect((await phone.call('POST', '/api/v1/auth/email/verify/resend')).status).toBe(202);
    const { token } = await mailbox.waitFor(ada.email, /your address/);
    const verified = await people.client(mode).call('POST', '/api/v1/auth/email/verify', { token });
    expect(verified.status).toBe(204);
    const me = await phone.call('GET', '/api/v1/auth/me');
    expect(me.json).toMatchObject({ username: ada.username, email: ada.email, emailVerified: true });
    const known = { 'if-none-match': me.response.headers.get('etag') ?? '' };
    expect((await phone.call('GET', '/api/v1/auth/me', undefined, known)).status).toBe(304);

    expect((await refresh(phone, tokens.refreshToken)).status).toBe(200);
    expect(await people.mayRead(phone)).toBe(true);
    const checked = await phone.call('GET', '/api/v1/auth/verify');
    expect([checked.status, checked.response.headers.get('x-user-id')]).toEqual([204, ada.id]);

    const { client: laptop } = await people.signIn(ada, mode);
    const { json: listed } = await laptop.call('GET', '/api/v1/auth/sessions');
    expect(listed.items).toHaveLength(2);
    expect(listed.items[0]).toMatchObject({ current: true, mode });
    expect((await laptop.call('DELETE', '/api/v1/auth/sessions?except=current')).json).toEqual({ ended: 1 });
    await untilRefused(phone, 'posts to refuse the session');
    expect((await laptop.call('POST', '/api/v1/auth/logout')).status).toBe(204);
    if (mode === 'bearer') await untilRefused(laptop, 'posts to refuse this one too');
    else expect([...laptop.cookies.keys()]).toEqual([authCookies.device]);
  });

  it('ends one session from another', async () => {
    const ada = await people.register();
    const [here, there] = [await people.signIn(ada, mode), await people.signIn(ada, mode)];
    const { json } = await here.client.call('GET', '/api/v1/auth/sessions');
    const other = json.items.find(({ current }: { current: boolean }) => !current);
    expect((await here.client.call('DELETE', `/api/v1/auth/sessions/${other.id}`)).status).toBe(204);
    await untilRefused(there.client, 'posts to refuse it');
    expect((await refresh(there.client, there.tokens.refreshToken)).json.code).toBe('INVALID_REFRESH_TOKEN');
    expect(await people.mayRead(here.client)).toBe(true);
  });

  it('changes its password, forgets it and resets it', async () => {
    const ada = await people.register();
    const { client: caller } = await people.signIn(ada, mode);
    const stranger = people.client(mode);
    const body = { currentPassword: ada.password, newPassword: `${ada.password} again` };
    expect((await caller.call('POST', '/api/v1/auth/password/change', body)).status).toBe(204);
    expect(await people.mayRead(caller)).toBe(true);
    const forgotten = await stranger.call('POST', '/api/v1/auth/password/forgot', { email: ada.email });
    expect(forgotten.status).toBe(202);
    const { token } = await mailbox.waitFor(ada.email, /new password/);
    const password = `${ada.password} at last`;
    const reset = await stranger.call('POST', '/api/v1/auth/password/reset', { token, password });
    expect(reset.status).toBe(204);
    await untilRefused(caller, 'the old session to be refused');
    await people.signIn({ ...ada, password }, mode);
  });

  it('changes its address', async () => {
    const ada = await people.register();
    const { client: caller } = await people.signIn(ada, mode);
    const { email } = newDetails();
    const changed = await caller.call('PATCH', '/api/v1/auth/me', { email, password: ada.password });
    expect(changed.status).toBe(202);
    const { token } = await mailbox.waitFor(email, /new address/);
    expect((await people.client(mode).call('POST', '/api/v1/auth/email/verify', { token })).status).toBe(204);
    expect((await caller.call('GET', '/api/v1/auth/me')).json).toMatchObject({ email, emailVerified: true });
  });

  it('takes everything along, leaves, is seen by nobody meanwhile, and comes back', async () => {
    const [ada, eve] = [await people.register(), await people.register()];
    const { client: caller } = await people.signIn(ada, mode);
    const { client: bystander, tokens } = await people.signIn(eve);
    const { status: written, json: post } = await caller.call('POST', '/api/v1/posts', { text: 'So long.' });
    expect(written).toBe(201);
    const traces = [`/api/v1/posts/${post.id}`, `/api/v1/users/${ada.username}`];
    const untilAll = (wanted: number, what: string) =>
      waitFor(
        async () => {
          const answers = await Promise.all(traces.map((path) => bystander.call('GET', path)));
          return answers.every(({ status }) => status === wanted);
        },
        { what },
      );
    await untilAll(200, 'the profile of who has just registered');
    const channel = `post:${post.id}`;
    const live = await LiveSocket.open(system, { token: tokens.accessToken, channels: [channel] });
    const exported = await caller.call('GET', '/api/v1/auth/me/export');
    expect(exported.json.account).toMatchObject({ email: ada.email, username: ada.username });
    expect(exported.response.headers.get('content-disposition')).toContain('attachment');
    const before = [...caller.cookies];
    const gone = await caller.call('DELETE', '/api/v1/auth/me', { password: ada.password });
    expect(gone.status).toBe(202);
    for (const [name, value] of before) caller.cookies.set(name, value);
    await untilRefused(caller, 'the session to be refused');
    await untilAll(404, 'nobody to see who is leaving');
    const isEnd = (message: ServerMessage) =>
      message.type === 'error' && message.channel === channel && message.code === 'CHANNEL_NOT_FOUND';
    await live.next(isEnd, 'the end of what is told of their post');
    const { client: back } = await people.signIn(ada, mode);
    expect((await back.call('GET', '/api/v1/auth/me')).json).toMatchObject({ username: ada.username });
    await untilAll(200, 'who has come back to be seen again');
    // Realtime may hear of it later than posts.
    const isBack = async () => (await live.tryToSubscribe(channel)).type === 'subscribed';
    await waitFor(isBack, { what: 'their post to be told of again', everyMs: 200 });
    live.close();
  });

  it('has been through every route of accounts, sessions and passwords', async () => {
    expect((await people.client(mode).call('GET', '/.well-known/jwks.json')).status).toBe(200);
    const routes = [...authAccountRoutes, ...authSessionRoutes, ...authPasswordRoutes];
    expect(notYetCalled([...routes, verifyRoute, jwksRoute], mode)).toEqual([]);
  });
});

describe('tokens', () => {
  const exchange = (refreshToken: string) => refresh(people.client(), refreshToken);

  it('are of no use to an open socket when its session is ended from another', async () => {
    const ada = await people.register();
    const [here, there] = [await people.signIn(ada), await people.signIn(ada)];
    const socket = new WebSocket(
      `${system.gateway.url.replace('https', 'wss')}/ws`,
      ['rostrum.v1', `bearer.${there.tokens.accessToken}`],
      { ca: system.certificate },
    );
    const closed = new Promise<number>((resolve) => socket.once('close', resolve));
    await new Promise((resolve) => socket.once('message', resolve));
    const startedAt = performance.now();
    await here.client.call('DELETE', '/api/v1/auth/sessions?except=current');
    expect(await closed).toBe(closeCodes.sessionRevoked);
    const took = Math.round(performance.now() - startedAt);
    process.stdout.write(`the socket was closed ${took} ms after its session\n`);
  });

  it('a refresh token that is used again ends the session everywhere', async () => {
    const ada = await people.register();
    const { tokens } = await people.signIn(ada);
    const first = await exchange(tokens.refreshToken);
    const thief = people.client();
    thief.token = first.json.accessToken;
    expect(await people.mayRead(thief)).toBe(true);
    const second = await exchange(first.json.refreshToken);
    const third = await exchange(second.json.refreshToken);
    expect(third.status).toBe(200);
    // For ten seconds whoever comes with it may be another tab.
    const spent = async () => (await exchange(tokens.refreshToken)).json.code === 'INVALID_REFRESH_TOKEN';
    expect(await spent()).toBe(false);
    await waitFor(spent, { what: 'the end of the grace', timeoutMs: 20_000, everyMs: 500 });
    expect((await exchange(third.json.refreshToken)).json.code).toBe('INVALID_REFRESH_TOKEN');
    await waitFor(async () => !(await people.mayRead(thief)), {
      what: 'posts to refuse the session',
      ...within5s,
    });
  });

  it('fifty refreshes at once, over two instances, have one successor', async () => {
    const ada = await people.register();
    const { tokens } = await people.signIn(ada);
    const answers = await Promise.all(Array.from({ length: 50 }, () => exchange(tokens.refreshToken)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(new Set(answers.map(({ json }) => json.refreshToken)).size).toBe(1);
  });
});

describe('cookies', () => {
  it('a browser signs in, posts, refreshes and signs out, and holds no token in its hands', async () => {
    const ada = await people.register();
    const { client: browser, tokens } = await people.signIn(ada, 'cookie');
    expect(tokens).not.toHaveProperty('accessToken');
    expect([...browser.cookies.keys()].sort()).toEqual(Object.values(authCookies).sort());
    expect((await browser.call('GET', '/api/v1/auth/me')).json).toMatchObject({ username: ada.username });
    expect((await browser.call('POST', '/api/v1/posts', { text: 'From a browser.' })).status).toBe(201);
    expect((await browser.call('POST', '/api/v1/auth/refresh')).status).toBe(200);
    expect((await browser.call('POST', '/api/v1/posts', { text: 'Still there.' })).status).toBe(201);
    const before = [...browser.cookies];
    expect((await browser.call('POST', '/api/v1/auth/logout')).status).toBe(204);
    expect([...browser.cookies.keys()]).toEqual([authCookies.device]);
    const late = people.client();
    for (const [name, value] of before) late.cookies.set(name, value);
    await waitFor(async () => !(await people.mayRead(late)), {
      what: 'the cookies to be refused',
      ...within5s,
    });
  });

  it('another site that makes a browser send them changes nothing', async () => {
    const ada = await people.register();
    const { client: browser } = await people.signIn(ada, 'cookie');
    const cookie = [...browser.cookies].map((pair) => pair.join('=')).join('; ');
    const csrf = browser.cookies.get(authCookies.csrf) ?? '';
    const post = (headers: Record<string, string>) =>
      system.ask('/api/v1/posts', {
        method: 'POST',
        headers: { 'content-type': 'application/json', cookie, ...headers },
        body: JSON.stringify({ text: 'From elsewhere.' }),
      });
    const codeOf = async (headers: Record<string, string>) => {
      const response = await post(headers);
      return [response.status, ((await response.json()) as { code: string }).code];
    };
    const own = system.gateway.url;
    expect(await codeOf({ origin: 'https://evil.example', [csrfHeader]: csrf })).toEqual([
      403,
      'CROSS_SITE_REQUEST',
    ]);
    expect(await codeOf({ [csrfHeader]: csrf })).toEqual([403, 'CROSS_SITE_REQUEST']);
    expect(await codeOf({ origin: own.replace('https', 'http'), [csrfHeader]: csrf })).toEqual([
      403,
      'CROSS_SITE_REQUEST',
    ]);
    expect(await codeOf({ origin: own })).toEqual([403, 'CSRF_TOKEN_INVALID']);
    expect((await post({ origin: own, [csrfHeader]: csrf })).status).toBe(201);
  });
});

it('somebody else’s address cannot be told from a free one', async () => {
  const owner = await people.register();
  const shown = [];
  for (const email of [owner.email, newDetails().email]) {
    const { status, json } = await people
      .client()
      .call('POST', '/api/v1/auth/register', { ...newDetails(), email });
    const forgot = await people.client().call('POST', '/api/v1/auth/password/forgot', { email });
    const login = await people.client().call('POST', '/api/v1/auth/login', {
      identifier: email,
      password: 'wrong horse',
    });
    shown.push([
      status,
      Object.keys(json.user),
      forgot.status,
      login.status,
      login.json.code,
      login.json.detail,
    ]);
  }
  expect(shown[0]).toEqual(shown[1]);
});
