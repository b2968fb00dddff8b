import { randomUUID } from 'node:crypto';
import { waitFor } from '@rostrum/testing';
import { Facts } from './facts';
import { RealtimeApp, type Instance, type Person } from './realtime-app';

let app: RealtimeApp;
let facts: Facts;
let here: Instance;
let ada: Person;
let grace: Person;
let eve: Person;

beforeEach(async () => {
  app = await RealtimeApp.create();
  facts = new Facts(app);
  here = await app.instance();
  [ada, grace, eve] = await Promise.all([app.person('ada'), app.person('grace'), app.person('eve')]);
});
afterEach(() => app.stop());

const long = '2026-01-01T00:00:00.000Z';
const pair = ({ id: personId }: { id: string }, { id: otherId }: { id: string }) => ({
  personId,
  otherId,
  since: long,
});
const known = async () =>
  (
    await app.rows<{ told: string }>(
      `select concat_ws(' ', kind, person_id, other_id) as told from realtime.avoidances where active`,
    )
  )
    .map(({ told }) => told)
    .sort();
const done = () =>
  waitFor(
    async () => (await app.rows('select from realtime.copies where done_at is not null')).length === 3,
    { what: 'the copies', timeoutMs: 30_000 },
  );
const likersOf = async (person: Person) => {
  await app.allHandled();
  const { json } = await here.send(person, 'GET /api/v1/realtime/notifications');
  const items = json.items as { actors: { username: string }[] }[];
  return items.flatMap(({ actors }) => actors.map(({ username }) => username)).sort();
};

describe('blocks and mutes from before this service listened', () => {
  it('are copied once, all of them, by however many workers', async () => {
    const many = Array.from({ length: 5 }, () => pair({ id: randomUUID() }, ada));
    app.posts.avoidances.block.push(...many);
    app.posts.avoidances.mute.push(...many.slice(2));
    await Promise.all([app.worker(), app.worker()]);
    await done();
    expect(await known()).toEqual(
      [
        ...many.map(({ personId, otherId }) => `block ${personId} ${otherId}`),
        ...many.slice(2).map(({ personId, otherId }) => `mute ${personId} ${otherId}`),
      ].sort(),
    );
  });

  it('are heeded from then on, and what was told without knowing of them is taken back', async () => {
    app.posts.isDown = true;
    await app.worker();
    const [post, other] = [facts.post(ada), facts.post(grace)];
    await facts.like(grace, post);
    await facts.like(eve, post);
    await facts.like(ada, other);
    await facts.like(eve, other);
    expect(await likersOf(ada)).toEqual([eve.username, grace.username].sort());
    expect(await likersOf(grace)).toEqual([ada.username, eve.username].sort());
    app.posts.avoidances.mute.push(pair(ada, eve));
    app.posts.avoidances.block.push(pair(ada, grace));
    app.posts.isDown = false;
    await app.worker();
    await done();
    expect(await likersOf(ada)).toEqual([]);
    expect(await likersOf(grace)).toEqual([eve.username]);
    await facts.repost(eve, post);
    await facts.repost(ada, other);
    expect(await likersOf(ada)).toEqual([]);
    expect(await likersOf(grace)).toEqual([eve.username]);
  });

  it('are not brought back where they have ended meanwhile, or where somebody is gone', async () => {
    app.posts.isDown = true;
    await app.worker();
    await facts.unblock(ada, grace);
    await facts.goodbye(eve);
    await app.allHandled();
    // Of another stream than the farewell, and later than it.
    await facts.mute(grace, eve);
    await app.allHandled();
    app.posts.avoidances.block.push(pair(ada, grace), pair(ada, eve), pair(grace, ada));
    app.posts.isDown = false;
    await app.worker();
    await done();
    expect(await known()).toEqual([`block ${grace.id} ${ada.id}`]);
  });
});
