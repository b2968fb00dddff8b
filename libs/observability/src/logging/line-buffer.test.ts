import fc from 'fast-check';
import { LineBuffer } from './line-buffer';

const written = (write: (out: LineBuffer) => void, size = 16) => {
  const out = new LineBuffer(size);
  write(out);
  return out.take(undefined).toString();
};

const anyText = fc.string({ unit: 'binary' });

it('writes any text inside a JSON string as JSON.stringify does', () => {
  const texts = fc.oneof(anyText, fc.string(), fc.uuid(), fc.constant('\ud800"\\\u0000'));
  fc.assert(
    fc.property(texts, (text) => {
      expect(written((out) => out.jsonText(text))).toBe(JSON.stringify(text).slice(1, -1));
    }),
  );
});

it('writes whole numbers as String does', () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), (value) => expect(written((out) => out.integer(value))).toBe(String(value))),
  );
});

it('fills numbers up with zeros', () => {
  fc.assert(
    fc.property(fc.nat(999), (value) =>
      expect(written((out) => out.digits(value, 3))).toBe(String(value).padStart(3, '0')),
    ),
  );
});

it('grows, keeps the order, and starts anew after each chunk', () => {
  const pieces = fc.array(fc.tuple(fc.constantFrom('text', 'raw', 'json'), fc.string({ unit: 'grapheme' })));
  fc.assert(
    fc.property(fc.array(pieces), (chunks) => {
      const out = new LineBuffer(8);
      let spare: Buffer | undefined;
      for (const chunk of chunks) {
        for (const [kind, text] of chunk) {
          if (kind === 'text') out.text(text);
          else if (kind === 'raw') out.raw(Buffer.from(text));
          else out.jsonText(text);
        }
        const expected = chunk.map(([kind, text]) =>
          kind === 'json' ? JSON.stringify(text).slice(1, -1) : text,
        );
        const bytes = out.take(spare);
        expect(bytes.toString()).toBe(expected.join(''));
        spare = out.reusable(bytes);
      }
    }),
  );
});
