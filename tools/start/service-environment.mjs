import fs from 'node:fs';
import path from 'node:path';
import { dataDir, workspaceRoot } from '../native/workspace.mjs';
import {
  authSecretFile,
  identityKeyFiles,
  masterKeyFile,
  secretFile,
  secretText,
  importedSigningKeyFile,
  vapidKeyFile,
} from './secrets.mjs';

const { version } = JSON.parse(fs.readFileSync(path.join(workspaceRoot, 'package.json'), 'utf8'));

/** What suits a developer's machine; .env and the environment may say otherwise. */
const developmentDefaults = {
  ENVIRONMENT: 'development',
  HOST: '127.0.0.1',
  LOG_FORMAT: 'pretty',
  SERVICE_VERSION: version,
  TRUSTED_PROXIES: '127.0.0.1,::1',
  // Six processes share one server here, and nobody waits for a load balancer to notice that they stop.
  DATABASE_MAX_CONNECTIONS: '16',
  DATABASE_MIN_IDLE: '2',
  // A developer tries more often than anybody else, and everybody has one address here.
  RATE_LIMIT_API_REQUESTS: '600',
  RATE_LIMIT_AUTH_REQUESTS: '60',
  SHUTDOWN_PROPAGATION_MS: '300',
  SHUTDOWN_DRAIN_MS: '10000',
  SHUTDOWN_MAX_MS: '20000',
};

const ownSettings = {
  auth: () => ({
    JWT_SIGNING_KEY_FILE: importedSigningKeyFile(),
    KMS_MASTER_KEY_FILE: masterKeyFile(),
    AUTH_SECRET_FILE: authSecretFile(),
  }),
  posts: (env) => ({
    CURSOR_SECRET_FILE: secretFile('cursor-secret'),
    // Pictures are in a folder, unless there is a bucket.
    ...(!env.MEDIA_S3_BUCKET_URL && {
      MEDIA_FOLDER: env.MEDIA_FOLDER || path.join(dataDir, 'media'),
      ...(!env.MEDIA_FOLDER_SECRET && { MEDIA_FOLDER_SECRET_FILE: secretFile('media-folder-secret') }),
    }),
  }),
  realtime: () => ({
    CURSOR_SECRET_FILE: secretFile('cursor-secret'),
    VAPID_PRIVATE_KEY_FILE: vapidKeyFile(),
    VAPID_SUBJECT: 'mailto:operators@rostrum.example',
  }),
};

/** The environment of one process of a service. `context` is what the running system consists of. */
export function serviceEnvironment({ service, kind }, { env, ports, databaseUrl, redisUrl }) {
  const name = service.toUpperCase();
  const gateway = `https://localhost:${ports.GATEWAY_HTTPS_PORT}`;
  return {
    ...developmentDefaults,
    JWT_ISSUER: gateway,
    JWT_AUDIENCE: 'rostrum',
    WEBSOCKET_ALLOWED_ORIGINS: gateway,
    WEB_URL: gateway,
    MAIL_FROM: 'Rostrum <no-reply@rostrum.example>',
    // Caught, and shown on a page (tools/mail).
    SMTP_URL: `smtp://127.0.0.1:${ports.MAIL_SMTP_PORT}`,
    SMTP_REQUIRE_TLS: 'false',
    ...(!env.RATE_LIMIT_IDENTITY_KEY && { RATE_LIMIT_IDENTITY_KEY_FILE: identityKeyFiles().publicFile }),
    ...withoutPackageManager(env),
    SERVICE_NAME: service,
    PORT: String(ports[`${name}_PORT`]),
    OPS_PORT: String(ports[kind === 'worker' ? `${name}_WORKER_OPS_PORT` : `${name}_OPS_PORT`]),
    OPS_TOKEN_FILE: secretFile('ops-token'),
    DATABASE_URL: roleUrl(databaseUrl, service),
    ...(kind === 'migrate' && { DATABASE_MIGRATION_URL: roleUrl(databaseUrl, `${service}_owner`) }),
    REDIS_URL: redisUrl,
    JWKS_URL: `http://127.0.0.1:${ports.AUTH_PORT}/.well-known/jwks.json`,
    ...(service === 'realtime' && { POSTS_URL: `http://127.0.0.1:${ports.POSTS_PORT}` }),
    ...ownSettings[service](env),
  };
}

const ofPackageManager = /^(npm_|NX_(?!CACHE_DIRECTORY$|WORKSPACE_DATA_DIRECTORY$)|INIT_CWD$|TEST_)/;

/** What npm and Nx tell their own scripts is nothing that a service or another Nx should see. */
export function withoutPackageManager(env) {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !ofPackageManager.test(name)));
}

/** Roles are named after their service; `auth_owner` may change tables, `auth` works with rows. */
export const rolePassword = (role) => secretText(`postgres-${role.replace('_', '-')}`);

function roleUrl(adminUrl, role) {
  const url = new URL(adminUrl);
  url.username = `rostrum_${role}`;
  url.password = rolePassword(role);
  url.pathname = '/rostrum';
  return url.href;
}
