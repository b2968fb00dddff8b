import { positionOf } from './write-mark';

it.each([
  ['0/0', 0n],
  ['0/16B3748', 0x16b3748n],
  ['16/B374D848', 0x16b374d848n],
  ['FFFFFFFF/FFFFFFFF', 0xffff_ffff_ffff_ffffn],
])('%s is a place in the log', (mark, position) => {
  expect(positionOf(mark)).toBe(position);
});

it('where the next page has only its head, the page before is all there is to replay', () => {
  expect(positionOf('0/2018')).toBe(0x2000n);
  expect(positionOf('0/2019')).toBe(0x2019n);
});

it.each(['', 'primary', '0', '0/', '/0', '0/G', '0/123456789', '1/2/3', '0x1/2', ' 0/1'])(
  '%j is none',
  (text) => {
    expect(positionOf(text)).toBeUndefined();
  },
);
