import { boolean, httpUrl, integer, setting } from '@rostrum/config';
import { z } from 'zod';
import { mfaSettings } from './mfa/mfa-settings';
import { oidcSettings } from './oidc/oidc-settings';
import { passkeySettings } from './passkeys/passkey-settings';
import { secretLines } from './secrets/keyring';

const day = 86_400;

/** What every process of accounts and sessions has to know. */
export const secretSettings = {
  authSecrets: setting(secretLines(), {
    env: 'AUTH_SECRET',
    doc: 'lines id:key, 32 bytes in base64 each: all tokens, the pepper and the search for addresses come from the last line, the others are still taken',
    secret: true,
  }),
};

export const passwordSettings = {
  passwordHashConcurrency: setting(integer(1, 1024).optional(), {
    env: 'PASSWORD_HASH_CONCURRENCY',
    doc: 'passwords hashed at once; one per core unless set, and always fewer than UV_THREADPOOL_SIZE',
  }),
  passwordHashQueue: setting(integer(0, 100_000).default(64), {
    env: 'PASSWORD_HASH_QUEUE',
    doc: 'how many passwords may wait to be hashed; more are answered with 503',
  }),
  passwordHashMemoryKib: setting(integer(19_456, 4_194_304).default(19_456), {
    env: 'PASSWORD_HASH_MEMORY_KIB',
    doc: 'memory that a hash takes; hashes made with less are made anew when their owner signs in',
  }),
  passwordHashPasses: setting(integer(2, 100).default(2), {
    env: 'PASSWORD_HASH_PASSES',
    doc: 'how often a hash goes through that memory; likewise',
  }),
  threadPoolSize: setting(integer(1, 1024).default(4), {
    env: 'UV_THREADPOOL_SIZE',
    doc: "Node's own: the threads that hashing, signing, file and name look-ups share",
  }),
  breachedPasswordsUrl: setting(httpUrl().optional(), {
    env: 'BREACHED_PASSWORDS_URL',
    doc: 'a service that is asked by five digits of a hash which passwords were in breaches, such as https://api.pwnedpasswords.com/range/; none unless set',
  }),
  breachedPasswordsRequired: setting(boolean().default(false), {
    env: 'BREACHED_PASSWORDS_REQUIRED',
    doc: 'whether no password can be chosen while that service does not answer',
  }),
};

export const signInSettings = {
  ...mfaSettings,
  ...passkeySettings,
  ...oidcSettings,
  jwtRefreshTtl: setting(integer(1, 365 * day).default(7 * day), {
    env: 'JWT_REFRESH_TTL',
    doc: 'seconds after which a session that nobody refreshes is over',
  }),
  sessionMaxTtl: setting(integer(1, 3650 * day).default(90 * day), {
    env: 'SESSION_MAX_TTL',
    doc: 'seconds after which a session is over however often it was refreshed',
  }),
  loginFreeFailures: setting(integer(1, 1000).default(5), {
    env: 'LOGIN_FREE_FAILURES',
    doc: 'wrong passwords for one account from one network that cost nothing',
  }),
  loginFirstDelayMs: setting(integer(0, 3_600_000).default(1000), {
    env: 'LOGIN_FIRST_DELAY_MS',
    doc: 'the wait after them, doubled by each further one',
  }),
  loginLongestDelayMs: setting(integer(0, 3_600_000).default(300_000), {
    env: 'LOGIN_LONGEST_DELAY_MS',
    doc: 'the longest such wait',
  }),
  accountDeletionGrace: setting(integer(0, 365 * day).default(30 * day), {
    env: 'ACCOUNT_DELETION_GRACE',
    doc: 'seconds in which whoever had their account deleted may come back',
  }),
};

export const mailSettings = {
  smtpUrl: setting(z.url({ protocol: /^smtps?$/ }), {
    env: 'SMTP_URL',
    doc: 'the mail server, smtp://name:password@host:587 or smtps://…',
    secret: true,
  }),
  smtpRequireTls: setting(boolean().default(true), {
    env: 'SMTP_REQUIRE_TLS',
    doc: 'whether a mail server that offers no TLS is sent nothing',
  }),
  mailFrom: setting(z.string().regex(/^[^\r\n]*@[\w.-]+>?$/, 'must be an address, or Name <address>'), {
    env: 'MAIL_FROM',
    doc: 'whom mails are from, such as Rostrum <no-reply@example.org>',
  }),
  webUrl: setting(httpUrl(), {
    env: 'WEB_URL',
    doc: 'where people use the product: links in mails lead there',
  }),
  mailPollMs: setting(integer(10, 600_000).default(1000), {
    env: 'MAIL_POLL_MS',
    doc: 'how often the worker looks for mail to send',
  }),
  mailFirstRetrySeconds: setting(integer(0, 3600).default(30), {
    env: 'MAIL_FIRST_RETRY',
    doc: 'seconds until a mail that could not be sent is tried again; doubled each time, up to an hour',
  }),
};
