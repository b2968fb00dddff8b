import { readArguments, UsageError } from './arguments';

const options = { reason: { type: 'string' } } as const;

it.each([`-${'a'.repeat(42)}`, `--${'_'.repeat(41)}`, 'b'.repeat(43)])(
  'takes %s for the key that it is',
  (kid) => {
    const read = { words: [kid], options: { reason: 'stolen' } };
    expect(readArguments([kid, '--reason', 'stolen'], ['<key>'], options)).toEqual(read);
    expect(readArguments(['--reason', 'stolen', kid], ['<key>'], options)).toEqual(read);
    const about = { words: ['word'], options: { reason: kid } };
    expect(readArguments(['--reason', kid, 'word'], ['<key>'], options)).toEqual(about);
    expect(readArguments(['word', '--reason', kid], ['<key>'], options)).toEqual(about);
  },
);

it.each([['-x'], ['--other'], ['a', 'b'], ['--reason']])('does not take %j', (...args) => {
  expect(() => readArguments(args, ['<key>'], options)).toThrow(UsageError);
});
