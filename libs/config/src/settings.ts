import { z } from 'zod';
import { boolean, httpUrl, integer, list, port, postgresUrl, ratio, webOrigin } from './formats';
import { network } from './networks';
import { databaseTlsSettings } from './database-settings';
import { setting } from './setting';

/** What every process has. Figures are the milestone's production profile. */
export const serviceSettings = {
  serviceVersion: setting(z.string().default('0.0.0-dev'), {
    env: 'SERVICE_VERSION',
    doc: 'the version that logs, metrics and traces carry',
  }),
  environment: setting(z.enum(['development', 'test', 'staging', 'production']).default('production'), {
    env: 'ENVIRONMENT',
    doc: 'what kind of place this runs in',
  }),
  host: setting(z.string().default('0.0.0.0'), {
    env: 'HOST',
    doc: 'the address that the public and the ops port bind to',
  }),
  requestTimeoutMs: setting(integer(1, 600_000).default(30_000), {
    env: 'REQUEST_TIMEOUT_MS',
    doc: 'the longest a request may take to be answered; what is over it is aborted',
  }),
  breakerFailures: setting(integer(1, 1_000).default(5), {
    env: 'BREAKER_FAILURES',
    doc: 'failed calls within the window that open a circuit breaker',
  }),
  breakerWindowMs: setting(integer(1, 600_000).default(10_000), {
    env: 'BREAKER_WINDOW_MS',
    doc: 'the window in which failed calls are counted',
  }),
  breakerHalfOpenAfterMs: setting(integer(1, 600_000).default(30_000), {
    env: 'BREAKER_HALF_OPEN_AFTER_MS',
    doc: 'how long an open circuit breaker waits for a trial, unless a probe finds earlier that all is well',
  }),
  trustedProxies: setting(list(network()).default([]), {
    env: 'TRUSTED_PROXIES',
    doc: 'addresses or networks of the proxies whose X-Forwarded-For is believed',
  }),
  corsAllowedOrigins: setting(list(webOrigin()).default([]), {
    env: 'CORS_ALLOWED_ORIGINS',
    doc: "the origins of web pages, besides the gateway's own, that may call with cookies",
  }),
};

export const loggingSettings = {
  logLevel: setting(z.enum(['fatal', 'error', 'warn', 'info', 'debug']).default('info'), {
    env: 'LOG_LEVEL',
    doc: 'the least severe level that is logged',
  }),
  logFormat: setting(z.enum(['json', 'pretty']).default('json'), {
    env: 'LOG_FORMAT',
    doc: 'json for machines, pretty for people',
  }),
  logOutput: setting(z.string().default('stdout'), {
    env: 'LOG_OUTPUT',
    doc: 'stdout, or the file that is rotated daily',
  }),
  logSampleFirst: setting(integer(0, 1_000_000).default(100), {
    env: 'LOG_SAMPLE_FIRST',
    doc: 'success lines per route and second that are all logged',
  }),
  logSampleEvery: setting(integer(1, 1_000_000).default(10), {
    env: 'LOG_SAMPLE_EVERY',
    doc: 'of the success lines beyond that, one in so many is logged',
  }),
};

export const tracingSettings = {
  tracingEnabled: setting(boolean().default(true), {
    env: 'TRACING_ENABLED',
    doc: 'whether traces are made',
  }),
  otlpEndpoint: setting(httpUrl().optional(), {
    env: 'OTLP_ENDPOINT',
    doc: 'the OTLP/HTTP collector, for example http://127.0.0.1:4318',
  }),
  tracingSamplingRate: setting(ratio().default(0.1), {
    env: 'TRACING_SAMPLING_RATE',
    doc: 'the share of requests that are traced',
  }),
  tracingFollowProxies: setting(boolean().default(false), {
    env: 'TRACING_FOLLOW_PROXIES',
    doc: 'whether trusted proxies decide what is traced: only where clients do not decide for them',
  }),
};

export const migrationSettings = {
  environment: serviceSettings.environment,
  ...databaseTlsSettings,
  databaseMigrationUrl: setting(postgresUrl(), {
    env: 'DATABASE_MIGRATION_URL',
    doc: 'PostgreSQL, as the role that owns the schema',
    secret: true,
  }),
};

export const tokenSettings = {
  jwtIssuer: setting(z.string().min(1), { env: 'JWT_ISSUER', doc: 'the iss of access tokens' }),
  jwtAudience: setting(z.string().min(1), { env: 'JWT_AUDIENCE', doc: 'the aud of access tokens' }),
};

export const tokenVerifierSettings = {
  ...tokenSettings,
  jwksUrl: setting(httpUrl(), {
    env: 'JWKS_URL',
    doc: 'where the keys that verify access tokens are published',
  }),
};

export const shutdownSettings = {
  shutdownPropagationMs: setting(integer(0, 60_000).default(5000), {
    env: 'SHUTDOWN_PROPAGATION_MS',
    doc: 'how long it keeps serving after readiness has failed, so that load balancers notice',
  }),
  shutdownDrainMs: setting(integer(0, 300_000).default(30_000), {
    env: 'SHUTDOWN_DRAIN_MS',
    doc: 'how long requests in flight may still take',
  }),
  shutdownMaxMs: setting(integer(1, 600_000).default(60_000), {
    env: 'SHUTDOWN_MAX_MS',
    doc: 'the longest the whole shutdown may take',
  }),
};

/** The two ports of a process; their defaults differ per service. */
export const portSettings = (publicPort: number, opsPort: number) => ({
  port: setting(port().default(publicPort), { env: 'PORT', doc: 'the public port' }),
  opsPort: setting(port().default(opsPort), {
    env: 'OPS_PORT',
    doc: 'the port of probes, metrics and admin actions',
  }),
});
