import { randomUUID } from 'node:crypto';
import { personCase, personQueueRoute, personRecordRoute, personReport } from '@rostrum/contracts';
import { outcome } from './moderation-desk';
import { PostsApp, type Answer, type Caller } from './posts-app';

const desk = '/api/v1/posts/moderation/people';

let app: PostsApp;
let ada: Caller;
let eve: Caller;
let mod: Caller;

beforeAll(async () => {
  app = await PostsApp.start();
  mod = await app.moderator('mod');
});
afterAll(() => app.stop());
beforeEach(async () => {
  [ada, eve] = [await app.member('ada'), await app.member('eve')];
});

const report = (
  caller: Caller,
  { username }: Pick<Caller, 'username'>,
  body: object = { reason: 'spam' },
  headers = {},
) => caller.write('POST', `/api/v1/users/${username}/reports`, body, headers);
const decide = (moderator: Caller, what: 'escalate' | 'close', { id }: Caller, headers = {}) =>
  moderator.write('POST', `${desk}/${id}/${what}`, { reason: 'Looked at' }, headers);
const recordOf = (moderator: Caller, { id }: Pick<Caller, 'id'>) => moderator.get(`${desk}/${id}`);

async function queued({ id }: Caller, state = 'open', moderator = mod): Promise<Answer['json']> {
  let cursor = '';
  do {
    const { json } = await moderator.get(`${desk}?state=${state}&limit=2${cursor}`);
    personQueueRoute.responses[200].schema.parse(json);
    const found = json.items.find(({ person }: { person: { id: string } }) => person.id === id);
    if (found) return found;
    cursor = json.nextCursor === null ? '' : `&cursor=${json.nextCursor}`;
  } while (cursor !== '');
  return undefined;
}

describe('a report of a person', () => {
  it('is made once by each, and answered the same after that', async () => {
    const first = await report(eve, ada, { reason: 'harassment', note: 'For days' });
    expect(first.status).toBe(201);
    expect(personReport.parse(first.json)).toMatchObject({ username: ada.username, note: 'For days' });
    const again = await report(eve, ada, { reason: 'hate' });
    expect([again.status, again.json]).toEqual([201, first.json]);
    const answers = await Promise.all(Array.from({ length: 20 }, () => report(mod, ada)));
    expect(new Set(answers.map(({ json }) => json.id)).size).toBe(1);
    expect((await queued(ada)).reports).toEqual({ count: 2, reasons: { harassment: 1, spam: 1 } });
  });

  it('may be of who has blocked one, not of oneself nor of nobody', async () => {
    await ada.write('PUT', `/api/v1/users/${eve.username}/block`);
    expect((await report(eve, ada)).status).toBe(201);
    expect(outcome(await report(eve, eve))).toEqual([409, 'OWN_ACCOUNT']);
    expect(outcome(await report(eve, { username: 'nobody_at_all' }))).toEqual([404, 'NOT_FOUND']);
    await app.arrange('update posts.profiles set deleted_at = now() where user_id = $1', [ada.id]);
    expect(outcome(await report(mod, ada))).toEqual([404, 'NOT_FOUND']);
    expect(await queued(ada)).toBeUndefined();
    expect(outcome(await recordOf(mod, ada))).toEqual([404, 'NOT_FOUND']);
  });

  it.each([
    ['no reason', {}],
    ['an unknown reason', { reason: 'boring' }],
    ['a note too long', { reason: 'spam', note: 'x'.repeat(501) }],
    ['an unknown field', { reason: 'spam', postId: randomUUID() }],
  ])('is refused with %s', async (_, body) => {
    expect(outcome(await report(eve, ada, body))).toEqual([400, 'VALIDATION_FAILED']);
  });
});

describe('a reported person', () => {
  it('is left to the admins, or closed, with a reason that stays; a new reporter opens it again', async () => {
    expect(outcome(await decide(mod, 'close', ada))).toEqual([409, 'NOTHING_TO_DECIDE']);
    await report(eve, ada, { reason: 'hate', note: 'Look' });
    const key = { 'Idempotency-Key': randomUUID() };
    const escalated = await decide(mod, 'escalate', ada, key);
    expect(personCase.parse(escalated.json)).toMatchObject({ person: { id: ada.id }, state: 'escalated' });
    expect((await decide(mod, 'escalate', ada, key)).json).toEqual(escalated.json);
    expect(outcome(await decide(mod, 'escalate', ada))).toEqual([409, 'NOTHING_TO_DECIDE']);
    expect([await queued(ada), (await queued(ada, 'escalated')).reports.count]).toEqual([undefined, 1]);
    expect((await decide(mod, 'close', ada)).json.state).toBe('closed');
    await report(eve, ada);
    expect(await queued(ada)).toBeUndefined();
    await report(await app.member('grace'), ada);
    expect((await queued(ada)).reports).toEqual({ count: 1, reasons: { spam: 1 } });

    const record = personRecordRoute.responses[200].schema.parse((await recordOf(mod, ada)).json);
    expect(record.reports.map(({ reason, note }) => [reason, note])).toEqual([
      ['spam', null],
      ['hate', 'Look'],
    ]);
    expect(record.reports[1]?.reporter).toEqual({ id: eve.id, username: eve.username });
    expect(record.log.map(({ kind, reason, moderator }) => [kind, reason, moderator.id])).toEqual([
      ['closed', 'Looked at', mod.id],
      ['escalated', 'Looked at', mod.id],
    ]);
  });

  it('is decided about by one of two at once, and never by themselves', async () => {
    const [one, two] = [await app.moderator('one'), await app.moderator('two')];
    await report(eve, ada);
    const answers = await Promise.all([decide(one, 'close', ada), decide(two, 'close', ada)]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
    await report(eve, one);
    expect(await queued(one, 'open', one)).toBeUndefined();
    expect(await queued(one)).toBeDefined();
    const own = [
      await recordOf(one, one),
      await decide(one, 'close', one),
      await decide(one, 'escalate', one),
    ];
    expect(own.map(outcome)).toEqual(Array(3).fill([409, 'OWN_ACCOUNT']));
  });

  it('is not for everybody', async () => {
    for (const answer of [await eve.get(desk), await recordOf(eve, ada), await decide(eve, 'close', ada)])
      expect(outcome(answer)).toEqual([403, 'FORBIDDEN']);
  });
});
