import { createPostRoute, eventEnvelope, loginRoute, pageQuery, postCreated, registerRoute } from './index';

const accepts = (text: unknown) => createPostRoute.body?.safeParse({ text }).success;

describe('a post’s text', () => {
  it.each(['hello', 'línea\ncon\ttab', '👩‍👩‍👧‍👦'.repeat(500), 'a'.repeat(500)])('may be %.20s…', (text) => {
    expect(accepts(text)).toBe(true);
  });

  it.each([
    ['empty', ''],
    ['blank', ' \n '],
    ['too long', 'a'.repeat(501)],
    ['too many family emoji', '👩‍👩‍👧‍👦'.repeat(501)],
    ['a null character', 'a\u0000b'],
    ['an escape character', 'a\u001b[31m'],
    ['half a surrogate pair', 'a\ud800'],
    ['far beyond any limit', 'e\u0301'.repeat(100_000)],
    ['not a string', 7],
  ])('may not be %s', (_, text) => {
    expect(accepts(text)).toBe(false);
  });
});

it('a request body has no room for unknown fields', () => {
  const body = { email: 'ada@example.com', username: 'ada', password: 'correct horse', role: 'admin' };
  expect(registerRoute.body?.safeParse(body).success).toBe(false);
});

describe('what a person types to sign in', () => {
  const accepts = (body: object) => loginRoute.body?.safeParse(body).success;

  it.each([
    ['an email and a passphrase', { identifier: 'Ada@Example.com', password: 'correct höрse 🐎' }, true],
    ['a null character in the name', { identifier: 'ada\u0000', password: 'correct horse' }, false],
    ['a null character in the password', { identifier: 'ada', password: 'correct\u0000horse' }, false],
    ['half a surrogate pair', { identifier: 'ada', password: 'correct horse\ud800' }, false],
  ])('%s', (_, body, expected) => {
    expect(accepts(body)).toBe(expected);
  });
});

it('a page has 20 items unless asked, and never more than 100', () => {
  expect(pageQuery.parse({})).toEqual({ limit: 20 });
  expect(pageQuery.safeParse({ limit: '101' }).success).toBe(false);
  expect(pageQuery.safeParse({ limit: 'many' }).success).toBe(false);
});

it('an event fits its envelope', () => {
  const event = {
    id: '0190b5a0-0000-7000-8000-000000000000',
    type: postCreated.type,
    version: postCreated.version,
    key: 'ada',
    occurredAt: new Date(0).toISOString(),
    payload: {},
  };
  expect(eventEnvelope.parse(event)).toEqual(event);
  expect(postCreated.payload.safeParse(event.payload).success).toBe(false);
});
