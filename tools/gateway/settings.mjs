import net from 'node:net';
import { ClearError } from '../native/clear-error.mjs';

/** The last resort's limits per client address, as in traefik/dynamic/middlewares.yml; 0 switches one off. */
const limitNames = {
  GATEWAY_RATE_PER_SECOND: 'ratePerSecond',
  GATEWAY_RATE_BURST: 'rateBurst',
  GATEWAY_IN_FLIGHT: 'inFlight',
  GATEWAY_SOCKETS: 'sockets',
};

/** What the environment says of the gateway, in the form that `startGateway` takes. Reports every problem at once. */
export function gatewaySettings(env) {
  const problems = [];
  const settings = {
    corsOrigins: listOf(env.CORS_ALLOWED_ORIGINS),
    trustedProxies: listOf(env.GATEWAY_TRUSTED_PROXIES),
    limits: readLimits(env, problems),
    ...readTracing(env, problems),
  };
  for (const origin of settings.corsOrigins) {
    if (!isOrigin(origin))
      problems.push(`CORS_ALLOWED_ORIGINS: "${origin}" is no origin like https://app.example.com`);
  }
  for (const proxy of settings.trustedProxies) {
    if (!isAddressRange(proxy)) {
      problems.push(`GATEWAY_TRUSTED_PROXIES: "${proxy}" is no address or CIDR of less than everyone`);
    }
  }
  if (problems.length > 0) throw new ClearError(`The gateway's settings: ${problems.join('; ')}.`);
  return settings;
}

function readLimits(env, problems) {
  const limits = {};
  for (const [name, limit] of Object.entries(limitNames)) {
    if (!env[name]) continue;
    if (!/^\d{1,9}$/.test(env[name]))
      problems.push(`${name}: "${env[name]}" is no whole number of 0 or more`);
    limits[limit] = Number(env[name]);
  }
  return limits;
}

/**
 * Traefik's spans carry the whole User-Agent and tracestate, which is free text from outside. So they are a choice of
 * their own, for where the collector removes both; without them the trace begins in the service.
 */
function readTracing(env, problems) {
  if (!env.OTLP_ENDPOINT || env.GATEWAY_TRACING !== 'true') return {};
  if (!URL.canParse(env.OTLP_ENDPOINT)) problems.push(`OTLP_ENDPOINT: "${env.OTLP_ENDPOINT}" is no URL`);
  const samplingRate = Number(env.TRACING_SAMPLING_RATE || 0.1);
  if (!(samplingRate >= 0 && samplingRate <= 1)) {
    problems.push(`TRACING_SAMPLING_RATE: "${env.TRACING_SAMPLING_RATE}" is not between 0 and 1`);
  }
  return { otlpEndpoint: env.OTLP_ENDPOINT, samplingRate };
}

// "*" is refused: with credentials it would let every site act as the user.
function isOrigin(value) {
  return URL.canParse(value) && /^https?:$/.test(new URL(value).protocol) && new URL(value).origin === value;
}

function isAddressRange(value) {
  const [address, bits, ...rest] = value.split('/');
  const version = net.isIP(address);
  const widest = version === 4 ? 32 : 128;
  const isRange =
    bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) > 0 && Number(bits) <= widest);
  return version !== 0 && isRange && rest.length === 0;
}

function listOf(value) {
  return (value ?? '')
    .split(',')
    .map((item) => item.trim())
    .filter(Boolean);
}
