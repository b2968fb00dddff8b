import { createDatabase } from '@rostrum/data-access';
import { waitFor } from '@rostrum/testing';
import fc from 'fast-check';
import { appeal, claim, decide, eventsOf, logOf, outcome, report, wholeQueue } from './moderation-desk';
import { PostsApp, type Answer, type Caller } from './posts-app';

let app: PostsApp;
let mods: [Caller, Caller, Caller];
let ada: Caller;
let reporters: Caller[];

beforeAll(async () => {
  app = await PostsApp.start();
  mods = [await app.moderator('one'), await app.moderator('two'), await app.moderator('three')];
  reporters = await Promise.all(['eve', 'grace', 'linus'].map((name) => app.member(name)));
});
afterAll(() => app.stop());
beforeEach(async () => {
  ada = await app.member('ada');
});

const statusesOf = (answers: readonly Answer[]) => answers.map(({ status }) => status).sort();
const edit = (id: string, text: string) =>
  ada.write('PATCH', `/api/v1/posts/${id}`, { text }, { 'If-Match': '*' });
const remove = (id: string) => ada.write('DELETE', `/api/v1/posts/${id}`);

describe('at once', () => {
  it('two moderators hide a post: one does, and others are told once', async () => {
    for (let round = 0; round < 10; round += 1) {
      const { id } = await ada.post('Rude');
      const answers = await Promise.all(mods.map((mod) => decide(mod, ['hide', id])));
      expect(statusesOf(answers)).toEqual([200, 409, 409]);
      expect(await eventsOf(app, id)).toHaveLength(1);
      expect(await logOf(app, id)).toHaveLength(1);
    }
  });

  it('one moderator grants an appeal and another refuses it: one of them is right', async () => {
    for (let round = 0; round < 10; round += 1) {
      const { id } = await ada.post('Rude');
      await decide(mods[0], ['hide', id]);
      await appeal(ada, id);
      const answers = await Promise.all([decide(mods[1], ['restore', id]), decide(mods[2], ['uphold', id])]);
      const [restored, upheld] = answers.map(({ status }) => status);
      // A post that was upheld first can be restored after that.
      expect([restored, upheld]).toEqual(upheld === 200 ? [200, 200] : [200, 409]);
      expect((await reporters[0]?.get(`/api/v1/posts/${id}`))?.status).toBe(200);
    }
  });

  it('a post is hidden while its author edits it: nobody ever reads what is hidden', async () => {
    for (let round = 0; round < 10; round += 1) {
      const { id } = await ada.post('Rude');
      await ada.get(`/api/v1/posts/${id}`);
      const [edited, hidden] = await Promise.all([
        edit(id, `Polite ${round}`),
        decide(mods[0], ['hide', id]),
        ...reporters.map((each) => each.get(`/api/v1/posts/${id}`)),
      ]);
      expect(hidden.status).toBe(200);
      expect([200, 404]).toContain(edited.status);
      for (const each of [ada, ...reporters])
        expect((await each.get(`/api/v1/posts/${id}`)).status).toBe(404);
      const [row] = await app.rows('select version from posts.posts where id = $1', [id]);
      expect(row).toEqual({ version: edited.status === 200 ? 2 : 1 });
    }
  });

  it('a post is hidden, or restored, while its author deletes it: it is gone', async () => {
    for (let round = 0; round < 10; round += 1) {
      const { id } = await ada.post('Rude');
      const kind = round % 2 === 0 ? 'hide' : 'restore';
      if (kind === 'restore') await decide(mods[0], ['hide', id]);
      const [removed, decided] = await Promise.all([remove(id), decide(mods[0], [kind, id])]);
      expect(removed.status).toBe(204);
      expect([200, 410]).toContain(decided.status);
      const isHidden = (kind === 'hide') === (decided.status === 200);
      // It says to those who could see it that it is gone, and nothing to others.
      expect((await reporters[0]?.get(`/api/v1/posts/${id}`))?.status).toBe(isHidden ? 404 : 410);
    }
  });

  it('a post is reported while it is hidden or deleted: no report waits for what is not there', async () => {
    for (let round = 0; round < 10; round += 1) {
      const { id } = await ada.post('Rude');
      const end = round % 2 === 0 ? () => decide(mods[0], ['hide', id]) : () => remove(id);
      const answers = await Promise.all([...reporters.map((each) => report(each, id)), end()]);
      for (const { status } of answers.slice(0, -1)) expect([201, 404, 410]).toContain(status);
      const waiting = (await wholeQueue(mods[0], 'open')).filter(({ post }) => post.id === id);
      expect(waiting).toEqual([]);
    }
  });
});

it.each([
  ['deleted_at', [410, 'POST_DELETED']],
  ['hidden_at', [404, 'NOT_FOUND']],
])('who reports a post and has to wait sees what happened to it meanwhile: %s', async (column, expected) => {
  const { id } = await ada.post('Rude');
  const [reporter] = reporters as [Caller];
  expect((await reporter.get(`/api/v1/posts/${id}`)).status).toBe(200);
  const admin = createDatabase({ url: app.database.adminUrl });
  const answer = await admin.transaction(async (trx) => {
    await trx.query('hold', 'select from posts.posts where id = $1 for update', [id]);
    const reporting = report(reporter, id);
    const waits = `select from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock' and query like '%for no key update of p%'`;
    await waitFor(async () => (await app.rows(waits)).length > 0, { what: 'the report to wait' });
    await trx.query('change', `update posts.posts set ${column} = now() where id = $1`, [id]);
    return { reporting };
  });
  expect(outcome(await answer.reporting)).toEqual(expected);
  expect(await app.rows('select from posts.post_reports where post_id = $1', [id])).toEqual([]);
  await admin.close();
});

const deeds = ['report', 'hide', 'restore', 'dismiss', 'uphold', 'appeal', 'claim', 'edit'] as const;

interface Deed {
  what: (typeof deeds)[number];
  who: number;
}

function perform({ what, who }: Deed, id: string): Promise<Answer> {
  const mod = mods[who % mods.length] as Caller;
  switch (what) {
    case 'report':
      return report(reporters[who % reporters.length] as Caller, id);
    case 'appeal':
      return appeal(ada, id);
    case 'claim':
      return claim(mod, id);
    case 'edit':
      return edit(id, `Edit ${who}`);
    default:
      return decide(mod, [what, id]);
  }
}

it('whatever happens at once, a post, where it stands, the log and what others are told say the same', async () => {
  const deed: fc.Arbitrary<Deed> = fc.record({ what: fc.constantFrom(...deeds), who: fc.nat({ max: 2 }) });
  const property = fc.asyncProperty(fc.array(deed, { minLength: 5, maxLength: 25 }), async (all) => {
    const { id } = await ada.post('Something');
    const answers = await Promise.all(all.map((each) => perform(each, id)));
    expect(answers.filter(({ status }) => ![200, 201, 404, 409].includes(status))).toEqual([]);

    const [row] = await app.rows<{ hidden: boolean; state: string | null }>(
      `select hidden_at is not null as hidden, state
         from posts.posts left join posts.moderation_cases on post_id = id where id = $1`,
      [id],
    );
    expect(row?.hidden).toBe(row?.state === 'hidden' || row?.state === 'appealed');
    const log = (await logOf(app, id)).map(({ kind }) => kind);
    const told = (await eventsOf(app, id)).map(({ type }) => type);
    const words: Record<string, string> = {
      hidden: 'post.hidden',
      restored: 'post.restored',
      upheld: 'post.hidingUpheld',
    };
    expect(told).toEqual(log.flatMap((kind) => words[kind] ?? []));
    // Hidden and restored take turns, and the last of them is how it is.
    const turns = log.filter((kind) => kind === 'hidden' || kind === 'restored');
    expect(turns).toEqual(turns.map((_, index) => (index % 2 === 0 ? 'hidden' : 'restored')));
    expect(row?.hidden).toBe(turns.at(-1) === 'hidden');
    expect((await ada.get(`/api/v1/posts/${id}`)).status).toBe(row?.hidden ? 404 : 200);
  });
  await fc.assert(property, { numRuns: 30, verbose: 1 });
});
