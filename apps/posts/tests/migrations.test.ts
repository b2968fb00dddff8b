import path from 'node:path';
import { migrate } from '@rostrum/data-access';
import { nextVersion } from '@rostrum/data-access/schema-checks';
import { describeSchema } from '@rostrum/testing/schema-contract';
import { PostsApp, type Caller } from './posts-app';

const schema = 'posts';
const directory = path.join(__dirname, '../migrations');

const addOnly = ['SELECT', 'INSERT'];

describeSchema({
  schema,
  directory,
  table: 'posts.posts',
  exceptions: {
    post_reports: addOnly,
    post_appeals: addOnly,
    moderation_log: addOnly,
    person_reports: [...addOnly, 'DELETE'],
    person_moderation_log: addOnly,
  },
});

describe('the service', () => {
  let app: PostsApp;

  beforeEach(async () => {
    app = await PostsApp.start();
  });

  afterEach(() => app.stop());

  /** What people do, one thing after the other. */
  const round = async (one: Caller, other: Caller) => {
    const { id } = await one.post('hello');
    return [
      (await other.follow(one.username)).status,
      (await other.get(`/api/v1/posts/${id}`)).status,
      (await other.get('/api/v1/feed')).status,
      (await one.get(`/api/v1/users/${one.username}`)).status,
      (await one.send('PUT', `/api/v1/posts/${id}`, { body: '{"text":"bye"}' })).status,
      (await other.unfollow(one.username)).status,
    ].filter((status) => status >= 500);
  };

  it('notices nothing when its tables become those of a next version, step by step', async () => {
    const [one, other] = [await app.person('ada'), await app.person('eve')];
    const failures = await round(one, other);
    const source = await nextVersion(app.database.ownerUrl, schema);
    for (const to of Object.keys(source)) {
      const step = migrate(app.database.ownerUrl, { source, schema, to }, 'up');
      failures.push(...(await round(one, other)));
      expect((await step).ran).toEqual([to]);
      failures.push(...(await round(one, other)));
    }
    expect(failures).toEqual([]);
  });
});
