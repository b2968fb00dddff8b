import { decodeJwt } from 'jose';
import { AuthApp, type Person } from './auth-app';

let app: AuthApp;
let people: Person[];

beforeAll(async () => {
  app = await AuthApp.start();
  people = await Promise.all(Array.from({ length: 6 }, () => app.person()));
});
afterAll(() => app.stop());

const signIn = ({ username, password }: Person) => app.login(username, password);
const eventsOf = ({ id }: Person) =>
  app.rows<{ body: string }>(
    `select body from auth.audit_events where subject_id = $1 and action = 'session.started' and result = 'succeeded'`,
    [id],
  );

it('people who sign in at the same time get sessions, tokens and events of their own', async () => {
  const [first] = people as [Person];
  await app.rows(`update auth.users set roles = '{user,moderator}' where id = $1`, [first.id]);
  const answers = await Promise.all(people.map(signIn));
  for (const [index, person] of people.entries()) {
    const { status, json } = answers[index] as (typeof answers)[number];
    expect([status, json.user]).toMatchObject([200, { id: person.id, email: person.email }]);
    const roles = person === first ? ['user', 'moderator'] : ['user'];
    const claims = decodeJwt(json.accessToken);
    expect(claims).toMatchObject({ sub: person.id, preferred_username: person.username, roles });
    expect(await app.rows('select id, methods from auth.sessions where user_id = $1', [person.id])).toEqual([
      { id: claims['sid'], methods: ['pwd'] },
    ]);
    expect((await eventsOf(person)).map(({ body }) => JSON.parse(body))).toMatchObject([
      { actor: { id: person.id }, target: { session: claims['sid'] } },
    ]);
  }
});

it('who is being changed waits for that, and nobody else does', async () => {
  const [grace, ...others] = people as [Person, ...Person[]];
  let late: ReturnType<typeof signIn> | undefined;
  await app.uncommitted('update auth.users set version = version + 1 where id = $1', [grace.id], async () => {
    late = signIn(grace);
    const answers = await Promise.all(others.map(signIn));
    expect(answers.map(({ status }) => status)).toEqual(others.map(() => 200));
    await app.untilSomebodyWaits();
  });
  expect((await late)?.status).toBe(200);
});

it('who may not begin a session leaves the others theirs', async () => {
  const [grace, ...others] = people as [Person, ...Person[]];
  const before = (await eventsOf(grace)).length;
  let refused: ReturnType<typeof signIn> | undefined;
  let answers: Awaited<ReturnType<typeof signIn>>[] = [];
  const raise = 'update auth.users set credentials_version = credentials_version + 1 where id = $1';
  await app.uncommitted(raise, [grace.id], async () => {
    refused = signIn(grace);
    answers = await Promise.all(others.map(signIn));
    await app.untilSomebodyWaits();
  });
  expect((await refused)?.json.code).toBe('INVALID_CREDENTIALS');
  expect(answers.map(({ status }) => status)).toEqual(others.map(() => 200));
  expect(await eventsOf(grace)).toHaveLength(before);
});
