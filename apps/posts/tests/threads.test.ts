import { threadPage } from '@rostrum/contracts';
import fc from 'fast-check';
import { PostsApp, type Answer, type Caller } from './posts-app';

let app: PostsApp;
let ada: Caller;
let eve: Caller;

beforeAll(async () => {
  app = await PostsApp.start();
});
afterAll(() => app.stop());
beforeEach(async () => {
  [ada, eve] = await Promise.all([app.member('ada'), app.member('eve')]);
});

const idsOf = ({ json }: Answer): string[] => threadPage.parse(json).items.map(({ id }) => id);
const nextOf = ({ headers }: Answer): string | undefined =>
  /^<([^>]+)>; rel="next"$/.exec(headers.get('link') ?? '')?.[1];

const remove = (caller: Caller, id: string) => caller.write('DELETE', `/api/v1/posts/${id}`);

/** A root with two branches. */
async function conversation() {
  const root = await ada.post('root');
  const left = await eve.post('left', { replyTo: root.id });
  const right = await ada.post('right', { replyTo: root.id });
  const leaf = await ada.post('leaf', { replyTo: left.id });
  return { root, left, right, leaf };
}

describe('GET /api/v1/posts/:id/replies', () => {
  it('answers the direct replies, oldest first', async () => {
    const { root, left, right, leaf } = await conversation();
    const answer = await eve.get(`/api/v1/posts/${root.id.toUpperCase()}/replies`);
    expect(answer.json).toEqual({
      items: [{ ...left, counts: { ...left.counts, replies: 1 } }, right],
      nextCursor: null,
    });
    expect(idsOf(await eve.get(`/api/v1/posts/${left.id}/replies`))).toEqual([leaf.id]);
    expect(idsOf(await eve.get(`/api/v1/posts/${leaf.id}/replies`))).toEqual([]);
  });

  it('leaves tombstones, and is there under one', async () => {
    const { root, left, right, leaf } = await conversation();
    await remove(eve, left.id);
    const { json } = await eve.get(`/api/v1/posts/${root.id}/replies`);
    expect(json.items).toEqual([{ id: left.id, deleted: true }, right]);
    expect(idsOf(await eve.get(`/api/v1/posts/${left.id}/replies`))).toEqual([leaf.id]);
  });

  it('has none of a post that is not there', async () => {
    for (const path of ['replies', 'thread', 'versions']) {
      expect((await ada.get(`/api/v1/posts/${crypto.randomUUID()}/${path}`)).status).toBe(404);
      expect((await ada.get(`/api/v1/posts/1/${path}`)).status).toBe(400);
    }
  });
});

describe('GET /api/v1/posts/:id/thread', () => {
  it('is the same from wherever in it one looks', async () => {
    const { root, left, right, leaf } = await conversation();
    for (const { id } of [root, left, right, leaf]) {
      expect(idsOf(await eve.get(`/api/v1/posts/${id}/thread`))).toEqual([
        root.id,
        left.id,
        right.id,
        leaf.id,
      ]);
    }
  });

  it('is read in pages that meet', async () => {
    const { root, left, right, leaf } = await conversation();
    const first = await eve.get(`/api/v1/posts/${leaf.id}/thread?limit=3`);
    expect(idsOf(first)).toEqual([root.id, left.id, right.id]);
    expect(idsOf(await eve.get(nextOf(first) as string))).toEqual([leaf.id]);
  });

  it('leaves out what is not for the viewer', async () => {
    const { root, left, leaf } = await conversation();
    const secret = await eve.post(`@${ada.username} between us`, {
      replyTo: root.id,
      visibility: 'mentioned',
    });
    const other = await app.member('other');
    expect(idsOf(await other.get(`/api/v1/posts/${leaf.id}/thread`))).not.toContain(secret.id);
    expect(idsOf(await ada.get(`/api/v1/posts/${left.id}/thread`))).toContain(secret.id);
  });
});

describe('GET /api/v1/users/:username/posts', () => {
  it('answers what somebody has written, newest first, without what they have deleted', async () => {
    const [one, two, three] = [await eve.post('1'), await eve.post('2'), await eve.post('3')];
    await remove(eve, two.id);
    const answer = await ada.get(`/api/v1/users/${eve.username}/posts`);
    expect(answer.json).toEqual({ items: [three, one], nextCursor: null });
  });

  it('has none of a private account, at once, until one follows it', async () => {
    await eve.post('Mine');
    await ada.follow(eve.username);
    await app.arrange('update posts.profiles set is_private = true where user_id = $1', [eve.id]);
    const posts = async (caller: Caller) =>
      idsOf(await caller.get(`/api/v1/users/${eve.username}/posts`)).length;
    expect(await posts(ada)).toBe(1);
    await ada.unfollow(eve.username);
    expect(await posts(ada)).toBe(0);
    expect(await posts(eve)).toBe(1);
  });

  it('knows nobody by a name that nobody has', async () => {
    expect((await ada.get('/api/v1/users/nobody_at_all/posts')).status).toBe(404);
  });
});

it('reads on where most of a page is left out, and ends the page where it stops looking', async () => {
  for (let i = 0; i < 12; i += 1) await eve.post(`deleted ${i}`);
  const last = await eve.post('oldest shown', {});
  await app.arrange(
    `update posts.posts set deleted_at = now() where author_id = $1 and text like 'deleted%'`,
    [eve.id],
  );
  for (let i = 0; i < 3; i += 1) await eve.post(`deleted ${i}`);
  await app.arrange(
    `update posts.posts set deleted_at = now() where author_id = $1 and text like 'deleted%'`,
    [eve.id],
  );
  const { json } = await ada.get(`/api/v1/users/${eve.username}/posts?limit=1`);
  expect(json.items.map(({ id }: { id: string }) => id)).toEqual([last.id]);
  expect(json.nextCursor).not.toBeNull();
  const next = await ada.get(`/api/v1/users/${eve.username}/posts?limit=1&cursor=${json.nextCursor}`);
  expect(next.json).toEqual({ items: [], nextCursor: null });
});

it('refuses a cursor of another list or of somebody else', async () => {
  const { root, left } = await conversation();
  const { json } = await ada.get(`/api/v1/posts/${root.id}/replies?limit=1`);
  for (const [caller, path] of [
    [ada, `posts/${root.id}/thread`],
    [ada, `posts/${left.id}/replies`],
    [ada, `posts/${root.id}/versions`],
    [ada, `users/${ada.username}/posts`],
    [eve, `posts/${root.id}/replies`],
    [ada, 'feed'],
  ] as const) {
    const answer = await caller.get(`/api/v1/${path}?cursor=${json.nextCursor}`);
    expect([path, answer.status, answer.json.code]).toEqual([path, 400, 'INVALID_CURSOR']);
  }
});

type Step = { kind: 'read' } | { kind: 'write' } | { kind: 'delete'; which: number };

const steps = fc.array(
  fc.oneof<fc.Arbitrary<Step>[]>(
    fc.constant({ kind: 'read' }),
    fc.constant({ kind: 'write' }),
    fc.record({ kind: fc.constant('delete'), which: fc.nat({ max: 30 }) }),
  ),
  { minLength: 5, maxLength: 25 },
);

/** Reads a list page by page while it changes as the steps say, and goes on to its end. */
async function readWhile(
  path: string,
  write: () => Promise<{ id: string }>,
  { limit, plan }: { limit: number; plan: Step[] },
) {
  const written: string[] = [];
  for (let i = 0; i < 8; i += 1) written.push((await write()).id);
  const deleted = new Set<string>();
  const there = [...written];
  const pages: string[][] = [];
  let next: string | undefined = `${path}?limit=${limit}`;
  const readPage = async () => {
    if (next === undefined) return;
    const answer: Answer = await eve.get(next);
    pages.push(idsOf(answer));
    next = nextOf(answer);
  };
  let meanwhile: (() => Promise<unknown>)[] = [];
  for (const step of [...plan, { kind: 'read' } as const]) {
    if (step.kind === 'write') meanwhile.push(async () => written.push((await write()).id));
    else if (step.kind === 'delete') {
      const id = written[step.which % written.length] as string;
      deleted.add(id);
      meanwhile.push(() => remove(ada, id));
    } else {
      // A page is read while all that happens that comes before it in the plan.
      await Promise.all([readPage(), ...meanwhile.map((each) => each())]);
      meanwhile = [];
    }
  }
  while (next !== undefined) await readPage();
  return { read: pages.flat(), there, deleted };
}

describe('however a list changes while it is read', () => {
  const check = (
    pathOf: () => Promise<{ path: string; write: () => Promise<{ id: string }>; ascending: boolean }>,
  ) =>
    fc.assert(
      fc.asyncProperty(steps, fc.integer({ min: 1, max: 5 }), async (plan, limit) => {
        const { path, write, ascending } = await pathOf();
        const { read, there, deleted } = await readWhile(path, write, { limit, plan });
        expect(new Set(read).size).toBe(read.length);
        const sorted = [...read].sort();
        expect(read).toEqual(ascending ? sorted : sorted.reverse());
        // What was there from the beginning to the end is read.
        expect(there.filter((id) => !deleted.has(id) && !read.includes(id))).toEqual([]);
      }),
      { numRuns: 5 },
    );

  it('no reply is skipped or comes twice', () =>
    check(async () => {
      const { id } = await ada.post('root');
      return {
        path: `/api/v1/posts/${id}/replies`,
        write: () => ada.post('r', { replyTo: id }),
        ascending: true,
      };
    }));

  it('no post of a person is skipped or comes twice', () =>
    check(async () => {
      ada = await app.member('ada');
      return { path: `/api/v1/users/${ada.username}/posts`, write: () => ada.post('p'), ascending: false };
    }));
});
