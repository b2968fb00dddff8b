import path from 'node:path';
import { startGateway } from '../gateway/start-gateway.mjs';
import { dataDir } from '../native/workspace.mjs';
import { services } from './settings.mjs';

const drainMs = 5000;

/** The gateway as a unit of the supervisor. */
export function gatewayUnit({ traefikBin, ports, settings, certificate, docsUrl }) {
  const runDir = path.join(dataDir, 'gateway');
  const logDir = path.join(dataDir, 'logs');
  const perService = (value) =>
    Object.fromEntries(services.map((name) => [name, [value(name.toUpperCase())]]));
  const options = {
    ...settings,
    traefikBin,
    runDir,
    logDir,
    ports: {
      https: ports.GATEWAY_HTTPS_PORT,
      http: ports.GATEWAY_HTTP_PORT,
      internal: ports.GATEWAY_INTERNAL_PORT,
    },
    servers: perService((name) => `http://127.0.0.1:${ports[`${name}_PORT`]}`),
    healthPorts: perService((name) => ports[`${name}_OPS_PORT`]),
    tls: certificate,
    docsUrl,
    environment: 'development',
    drainMs,
  };
  return {
    name: 'gateway',
    logFile: path.join(logDir, 'traefik.log'),
    match: path.join(runDir, 'traefik.yml'),
    stopSignal: 'SIGTERM',
    start: () => startGateway(options),
  };
}
