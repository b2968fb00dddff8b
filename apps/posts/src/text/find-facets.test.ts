import fc from 'fast-check';
import { findFacets, type FoundFacet } from './find-facets';

/** What of the text's bytes each facet covers. */
const covered = (text: string, facets = findFacets(text)) =>
  facets.map(({ start, end }) => Buffer.from(text).subarray(start, end).toString());

const meanings = (text: string) =>
  findFacets(text).map((facet) =>
    facet.type === 'link' ? facet.url : facet.type === 'tag' ? `#${facet.tag}` : `@${facet.username}`,
  );

it.each([
  ['nothing', 'No facets, but an e-mail: ada@example.com', []],
  ['a mention', 'Hi @Ada_1!', ['@ada_1']],
  ['mentions next to each other', '@ada @eve,@bob', ['@ada', '@eve', '@bob']],
  ['no name that is too short or too long', `@ab @${'a'.repeat(31)} @abc`, ['@abc']],
  ['no address of another server', '@ada@example.com', []],
  ['no name with other letters', '@adä @ada\u0308 @аda', []],
  ['tags in any script', '#Grüße #東京 #ÜBER_2 #हिन्दी', ['#grüße', '#東京', '#über_2', '#हिन्दी']],
  ['tags that are composed in another way as the same', '#Gru\u0308ße', ['#grüße']],
  ['no number as a tag', '#1 is #2nd', ['#2nd']],
  ['no tag that is too long', `#${'a'.repeat(65)} #${'a'.repeat(64)}`, [`#${'a'.repeat(64)}`]],
  ['no part of a word', 'a#b c@ada &#x41; x/#y', []],
  ['a link', 'See https://example.com/a?b=c#d.', ['https://example.com/a?b=c#d']],
  [
    'a link in brackets',
    '(https://en.wikipedia.org/wiki/Foo_(bar)).',
    ['https://en.wikipedia.org/wiki/Foo_(bar)'],
  ],
  [
    'a link in quotes',
    '“https://example.com/x” "https://example.com/y"',
    ['https://example.com/x', 'https://example.com/y'],
  ],
  ['what is in a link as the link', 'https://example.com/@ada/#tag', ['https://example.com/@ada/#tag']],
  ['the host of a link as it really is', 'https://exаmple.com/', ['https://xn--exmple-4nf.com/']],
  ['a link up to what turns its direction', 'https://example.com/\u202eabc\u202c', ['https://example.com/']],
  ['no link that names one host and goes to another', 'https://example.com@evil.test/', []],
  ['no other schemes', 'javascript:alert(1) ftp://example.com file:///etc/passwd //x', []],
  ['no link without a host', 'https:// https://? http://[ https://%', []],
])('finds %s', (_what, text, expected) => {
  expect(meanings(text)).toEqual(expected);
});

it('counts bytes, not characters', () => {
  const text = '👩‍👩‍👧‍👦 ß @ada 中文 #東京 https://example.com/ü';
  expect(covered(text)).toEqual(['@ada', '#東京', 'https://example.com/ü']);
});

const piece = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 8 }),
  fc.constantFrom(
    ' ',
    '\n',
    '@ada',
    '#tag',
    '#東京',
    'https://example.com/ü',
    '@',
    '#',
    'http://',
    '👩‍👩‍👧‍👦',
    'e\u0301',
    '\u202e',
    '.',
    ')',
  ),
);
const anyText = fc.array(piece, { maxLength: 20 }).map((pieces) => pieces.join(''));

const shapes: Record<FoundFacet['type'], RegExp> = {
  link: /^https?:\/\/\S+$/,
  mention: /^@[a-zA-Z0-9_]{3,30}$/,
  tag: /^#[\p{L}\p{N}\p{M}_]{1,64}$/u,
};

it('finds ranges that are whole characters of the text, in order, without overlap, whatever the text', () => {
  fc.assert(
    fc.property(anyText, (text) => {
      const bytes = Buffer.from(text);
      let last = 0;
      for (const facet of findFacets(text)) {
        const { start, end, type } = facet;
        expect(start).toBeGreaterThanOrEqual(last);
        expect(end).toBeGreaterThan(start);
        expect(end).toBeLessThanOrEqual(bytes.length);
        // A range that cut a character in two would not be found in the text again.
        const part = bytes.subarray(start, end).toString();
        expect(Buffer.byteLength(part)).toBe(end - start);
        expect(bytes.subarray(0, start).toString() + part + bytes.subarray(end).toString()).toBe(text);
        expect(part).toMatch(shapes[type]);
        last = end;
      }
    }),
    { numRuns: 2_000 },
  );
});

it('finds what stands between other words, wherever that is', () => {
  const word = fc.string({ unit: 'grapheme', maxLength: 10 }).map((text) => text.replaceAll(/[@#:/&]/g, ''));
  fc.assert(
    fc.property(word, word, (before, after) => {
      const text = `${before} @ada ${after}`;
      expect(covered(text)).toEqual(['@ada']);
    }),
  );
});

it('looks at each character a few times, whatever the text is made of', () => {
  const units = ['@a', '#1', '#_', 'http://', 'https://(', '@@', '##', 'https://a)', ')', '].', '#1_'];
  const started = performance.now();
  for (const unit of units) findFacets(`https://a${unit.repeat(100_000)}`);
  // A hundred times what it takes; looking at each for each would take minutes.
  expect(performance.now() - started).toBeLessThan(20_000);
});
