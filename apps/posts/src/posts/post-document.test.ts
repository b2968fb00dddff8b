import { unpackPost } from './post-document';

const id = (digit: number) => `00000000-0000-7000-8000-${String(digit).padStart(12, '0')}`;

const facts = { authorId: id(2), visibility: 'public', hidden: false, deleted: false, mentioned: [] };

it('takes apart what stands in the cache', () => {
  const body = '{"text":"ß 🚀 \\"{}"}';
  expect(unpackPost(Buffer.from(`p--${id(2)}"2.3.4-5-6-7"${body}`))).toEqual({
    facts,
    etag: '"2.3.4-5-6-7"',
    body,
    bytes: Buffer.byteLength(body),
  });
});

it.each([
  ['p', 'public'],
  ['f', 'followers'],
  ['m', 'mentioned'],
])('knows by %s that it is %s', (letter, visibility) => {
  for (const hidden of [false, true])
    for (const deleted of [false, true])
      for (const mentioned of [[], [id(3)], [id(3), id(4)]]) {
        const head = `${letter}${hidden ? 'h' : '-'}${deleted ? 'd' : '-'}${id(2)}${mentioned.join('')}`;
        expect(unpackPost(Buffer.from(`${head}"2.1.0-0-0-0"{}`))).toEqual({
          facts: { ...facts, visibility, hidden, deleted, mentioned },
          etag: '"2.1.0-0-0-0"',
          body: '{}',
          bytes: 2,
        });
      }
});
