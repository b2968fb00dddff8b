import fc from 'fast-check';
import { parseSearch, withoutControls } from './search-query';

const wanted = (text: string) => ({ text, excluded: false });
const unwanted = (text: string) => ({ text, excluded: true });

it.each([
  ['sunrise', [[wanted('sunrise')]]],
  ['  red   sky ', [[wanted('red'), wanted('sky')]]],
  ['"north sea" storm', [[wanted('north sea'), wanted('storm')]]],
  ['sky -storm -"north sea"', [[wanted('sky'), unwanted('storm'), unwanted('north sea')]]],
  ['red or green sky OR blue', [[wanted('red')], [wanted('green'), wanted('sky')], [wanted('blue')]]],
  ['well-known "or"', [[wanted('well-known'), wanted('or')]]],
  ['"never closed', [[wanted('never closed')]]],
  ['-storm', []],
  ['sky or -storm', [[wanted('sky')]]],
  ['or or or', []],
  ['', []],
])('%j is understood', (text, query) => {
  expect(parseSearch(text)).toEqual(query);
});

it('there is no text that it does not understand, or makes more of than there was', () => {
  const pieces = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('"', '-', ' or ', '-"', '""', '\0'));
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 30 }), (parts) => {
      const text = parts.join('');
      const terms = parseSearch(text).flat();
      expect(terms.reduce((sum, term) => sum + term.text.length, 0)).toBeLessThanOrEqual(text.length);
      for (const term of terms) expect(term.text).toBe(withoutControls(term.text));
    }),
  );
});
