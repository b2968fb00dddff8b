import { isAppError } from '@rostrum/errors';
import fc from 'fast-check';
import { createCursorCodec } from './index';

const secret = 's'.repeat(32);
const refused = (decode: () => unknown) => {
  try {
    decode();
    return false;
  } catch (error) {
    return isAppError(error) && error.code === 'INVALID_CURSOR';
  }
};

it('gives back what it was made of', () => {
  const codec = createCursorCodec<unknown>(secret, 'feed');
  fc.assert(
    fc.property(fc.jsonValue(), (position) => {
      expect(codec.decode(codec.encode(position))).toEqual(JSON.parse(JSON.stringify(position)));
    }),
  );
});

it('refuses whatever it did not make', () => {
  const codec = createCursorCodec<unknown>(secret, 'feed');
  fc.assert(
    fc.property(fc.string({ maxLength: 600 }), (text) => {
      expect(refused(() => codec.decode(text))).toBe(true);
    }),
  );
});

it('refuses a cursor of another list, another secret, or with one bit changed', () => {
  const codec = createCursorCodec<string[]>(secret, 'feed:ada');
  const cursor = codec.encode(['2026', 'x']);
  const flipped = Buffer.from(cursor, 'base64url');
  flipped.writeUInt8(flipped.readUInt8(20) ^ 1, 20);
  expect(refused(() => createCursorCodec(secret, 'feed:eve').decode(cursor))).toBe(true);
  expect(refused(() => createCursorCodec('t'.repeat(32), 'feed:ada').decode(cursor))).toBe(true);
  expect(refused(() => codec.decode(flipped.toString('base64url')))).toBe(true);
});
