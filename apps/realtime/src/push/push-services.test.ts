import { isPublicAddress, publicLookup } from './public-addresses';
import { PushServices, isPushService } from './push-services';

describe('where pushes may go', () => {
  const services = new PushServices(['fcm.googleapis.com', '*.push.example.org', 'http://127.0.0.1:9000']);

  it.each([
    ['https://fcm.googleapis.com/fcm/send/abc', 'fcm.googleapis.com', true],
    ['https://a.b.push.example.org/x', '*.push.example.org', true],
    ['http://127.0.0.1:9000/x', 'http://127.0.0.1:9000', false],
  ])('%s: %s', (endpoint, name, isPublic) => {
    expect(services.find(endpoint)).toEqual({ name, isPublic });
  });

  it.each([
    'http://fcm.googleapis.com/x',
    'https://fcm.googleapis.com:8443/x',
    'https://fcm.googleapis.com.evil.test/x',
    'https://evilpush.example.org/x',
    'https://push.example.org/x',
    'https://user@fcm.googleapis.com/x',
    'https://fcm.googleapis.com@evil.test/x',
    'https://evil.test#@fcm.googleapis.com/',
    'http://127.0.0.1:9001/x',
    'http://127.0.0.1:9000@evil.test/',
    'https://[::1]/x',
    'https://169.254.169.254/latest/meta-data',
    'file:///etc/passwd',
    'no address',
  ])('not: %s', (endpoint) => {
    expect(services.find(endpoint)).toBeUndefined();
  });

  it.each(['*', '*.', 'localhost', '10.0.0.1', 'https://a.test/path', 'a.test:443', ''])(
    'cannot be set to "%s"',
    (text) => expect(isPushService(text)).toBe(false),
  );
});

describe('addresses', () => {
  it.each([
    ['8.8.8.8', true],
    ['172.32.0.1', true],
    ['127.0.0.1', false],
    ['10.1.2.3', false],
    ['172.31.255.255', false],
    ['192.168.0.1', false],
    ['169.254.169.254', false],
    ['100.64.0.1', false],
    ['0.0.0.0', false],
    ['224.0.0.1', false],
    ['255.255.255.255', false],
    ['2a00:1450::1', true],
    ['::1', false],
    ['::', false],
    ['::ffff:10.0.0.1', false],
    ['64:ff9b::a00:1', false],
    ['fe80::1', false],
    ['fc00::1', false],
    ['2002:a00:1::', false],
    ['2001:db8::1', false],
  ])('%s is public: %s', (address, expected) => {
    expect(isPublicAddress({ address, family: address.includes(':') ? 6 : 4 })).toBe(expected);
  });

  it('of a name must all be public', async () => {
    const answerOf = (...addresses: string[]) =>
      new Promise((done) => {
        const found = addresses.map((address) => ({ address, family: 4 }));
        const resolver = (_name: string, _options: unknown, answer: (...given: unknown[]) => void) =>
          answer(null, found);
        publicLookup(resolver as never)('push.test', { all: true }, (error, result) =>
          done(error ? error.code : result),
        );
      });
    expect(await answerOf('8.8.8.8')).toEqual([{ address: '8.8.8.8', family: 4 }]);
    expect(await answerOf('8.8.8.8', '10.0.0.1')).toBe('ENOTPUBLIC');
    expect(await answerOf()).toBe('ENOTPUBLIC');
  });
});
