import fc from 'fast-check';
import { LineBuffer } from './line-buffer';

it('grows, keeps the order, and starts anew after each chunk', () => {
  fc.assert(
    fc.property(fc.array(fc.array(fc.string({ unit: 'grapheme' }))), (chunks) => {
      const lines = new LineBuffer(8);
      let spare: Buffer | undefined;
      for (const chunk of chunks) {
        for (const text of chunk) lines.append(text);
        const bytes = lines.take(spare);
        expect(bytes.toString()).toBe(chunk.join(''));
        spare = lines.reusable(bytes);
      }
    }),
  );
});
