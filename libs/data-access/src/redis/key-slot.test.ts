import { Command } from 'ioredis';
import fc from 'fast-check';
import { slotOf } from './key-slot';

it.each([
  ['123456789', 0x31c3],
  ['', 0],
  ['{user}:a', slotOf('user')],
  ['x{user}{other}', slotOf('user')],
  ['{}}', 14_790],
  ['{}', 15_257],
])('puts %j into slot %i', (key, slot) => {
  expect(slotOf(key)).toBe(slot);
});

it('puts any key where the client does', () => {
  // With nothing between its first braces, a key counts as a whole; the client takes the next closing one.
  const key = fc
    .oneof(fc.string({ unit: 'binary' }), fc.stringMatching(/^[{}ab]{0,8}$/))
    .filter((text) => !text.includes('{}'));
  fc.assert(fc.property(key, (text) => slotOf(text) === new Command('get', [text]).getSlot()));
});
