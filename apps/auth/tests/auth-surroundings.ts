import { generateKeyPairSync, randomBytes } from 'node:crypto';
import path from 'node:path';
import { createDatabase, createRedis, type Database, type Redis } from '@rostrum/data-access';
import {
  createTestDatabase,
  createTestRedis,
  patientClient,
  recordingLogger,
  type RecordingLogger,
} from '@rostrum/testing';
import { Mailbox } from '@rostrum/testing/mailbox';

const migrations = path.join(__dirname, '../migrations');

export const issuer = 'https://auth.test';
export const audience = 'rostrum-test';

export type Settings = Record<string, string>;

export interface AppOptions {
  settings?: Settings;
  /** Puts something between the service and its stores. */
  through?: (stores: { databaseUrl: string; redisUrl: string }) => Promise<Settings>;
}

/** An RSA key as the service wants it. */
export function newSigningKey(): string {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

/** A master key as its file has it. */
export function newMasterKey(id = '1'): string {
  return `${id}:${randomBytes(32).toString('base64')}`;
}

/** What the service stands on in a test. */
export interface Surroundings {
  environment: Settings;
  /** Sees all tables. */
  admin: Database;
  redis: Redis;
  log: RecordingLogger;
  mailbox: Mailbox;
  ends: (() => Promise<unknown>)[];
}

/** Stores and a mailbox of the test's own, and what the service has to be told of them. */
export async function openSurroundings({ settings, through }: AppOptions): Promise<Surroundings> {
  const database = await createTestDatabase('auth', migrations);
  const testRedis = await createTestRedis();
  const admin = createDatabase({ url: database.adminUrl, max: 2 });
  const redis = createRedis({ url: testRedis.url, ...patientClient });
  const log = recordingLogger({ service: 'auth' });
  const mailbox = new Mailbox();
  await mailbox.open();
  const environment = {
    ENVIRONMENT: 'test',
    HOST: '127.0.0.1',
    PORT: '0',
    OPS_PORT: '0',
    DATABASE_URL: database.url,
    DATABASE_MAX_CONNECTIONS: '5',
    DATABASE_MIN_IDLE: '0',
    REDIS_URL: testRedis.url,
    JWT_ISSUER: issuer,
    JWT_AUDIENCE: audience,
    // Many people share one address here; the limits themselves have tests of their own.
    RATE_LIMIT_API_REQUESTS: '100000',
    RATE_LIMIT_AUTH_REQUESTS: '100000',
    JWT_SIGNING_KEY: newSigningKey(),
    KMS_MASTER_KEY: newMasterKey(),
    AUTH_SECRET: newMasterKey(),
    SMTP_URL: mailbox.url,
    SMTP_REQUIRE_TLS: 'false',
    MAIL_FROM: 'Rostrum <no-reply@rostrum.test>',
    MAIL_POLL_MS: '50',
    WEB_URL: 'https://rostrum.test',
    TRACING_ENABLED: 'false',
    SHUTDOWN_PROPAGATION_MS: '0',
    ...settings,
    ...(await through?.({ databaseUrl: database.url, redisUrl: testRedis.url })),
  };
  const ends = [
    async () => redis.disconnect(),
    () => admin.close(),
    () => mailbox.close(),
    () => testRedis.close(),
    () => database.drop(),
    () => log.close(),
  ];
  return { environment, admin, redis, log, mailbox, ends };
}
