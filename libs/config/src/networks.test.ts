import { readConfig, serviceSettings } from './index';

const read = (networks: string) => readConfig(serviceSettings, { TRUSTED_PROXIES: networks }).trustedProxies;

it.each([
  '127.0.0.1',
  '10.0.0.0/8',
  '192.168.1.0/24',
  '::1',
  'fc00::/7',
  'fd00:1234::/48',
  '2001:db8::1/128',
  '::ffff:10.0.0.0/104',
  '::/127',
])('trusts %s', (network) => {
  expect(read(`127.0.0.2, ${network}`)).toEqual(['127.0.0.2', network]);
});

it.each([
  'true',
  'all',
  '*',
  '1',
  'loopback',
  '0.0.0.0/0',
  '10.0.0.0/0',
  '0.0.0.0/1',
  '128.0.0.0/1',
  '10.0.0.0/7',
  '::/0',
  '::/1',
  '8000::/1',
  '::ffff:0:0/96',
  '::ffff:0.0.0.0/97',
  '::/80',
  '10.0.0.0/33',
  '10.0.0',
  '::1/129',
  '10.0.0.0/8/8',
  'fe80::1%eth0',
])('does not start with %s for a proxy', (network) => {
  expect(() => read(`127.0.0.1,${network}`)).toThrow(/TRUSTED_PROXIES/);
});
