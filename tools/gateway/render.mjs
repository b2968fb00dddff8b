import fs from 'node:fs';
import path from 'node:path';
import { parse, stringify } from 'yaml';
import { ClearError } from '../native/clear-error.mjs';
import { workspaceRoot } from '../native/workspace.mjs';

const source = path.join(workspaceRoot, 'traefik');

/**
 * Writes the files of `traefik/` into a run folder with this machine's addresses, certificate and instances in place of
 * production's. Everything else stays as it is read there, so that development and the tests run production's rules.
 */
export function renderGateway(options) {
  const folder = options.runDir;
  const dynamicDir = path.join(folder, 'dynamic');
  const accessLogFile = path.join(options.logDir ?? folder, 'access.log');
  fs.rmSync(dynamicDir, { recursive: true, force: true });
  fs.rmSync(path.join(folder, 'plugins-local'), { recursive: true, force: true });
  fs.mkdirSync(dynamicDir, { recursive: true });
  fs.mkdirSync(path.dirname(accessLogFile), { recursive: true });
  fs.cpSync(path.join(source, 'plugins-local'), path.join(folder, 'plugins-local'), { recursive: true });

  write(
    path.join(folder, 'traefik.yml'),
    renderStatic(read('traefik.yml'), { ...options, dynamicDir, accessLogFile }),
  );
  write(path.join(dynamicDir, 'routers.yml'), read('dynamic/routers.yml'));
  write(path.join(dynamicDir, 'services.yml'), renderServices(read('dynamic/services.yml'), options));
  write(
    path.join(dynamicDir, 'middlewares.yml'),
    renderMiddlewares(read('dynamic/middlewares.yml'), options),
  );
  write(path.join(dynamicDir, 'tls.yml'), renderTls(read('dynamic/tls.yml'), options.tls));
  if (options.docsUrl) {
    write(path.join(dynamicDir, 'docs.yml'), renderDocs(read('development/docs.yml'), options.docsUrl));
  }
  return { folder, staticFile: path.join(folder, 'traefik.yml'), accessLogFile };
}

function renderStatic(config, options) {
  const { web, websecure, internal } = config.entryPoints;
  const host = options.host ?? '127.0.0.1';
  web.address = `${host}:${options.ports.http}`;
  websecure.address = `${host}:${options.ports.https}`;
  internal.address = `127.0.0.1:${options.ports.internal}`;
  for (const entryPoint of [web, websecure]) {
    entryPoint.forwardedHeaders.trustedIPs = options.trustedProxies ?? [];
    override(entryPoint.transport.respondingTimeouts, {
      readTimeout: options.timeouts?.readMs,
      writeTimeout: options.timeouts?.writeMs,
      idleTimeout: options.timeouts?.idleMs,
    });
  }
  for (const entryPoint of [web, websecure, internal]) {
    override(entryPoint.transport.lifeCycle, {
      requestAcceptGraceTimeout: options.acceptGraceMs ?? 0,
      graceTimeOut: options.drainMs ?? 10_000,
    });
  }
  config.providers.file.directory = options.dynamicDir;
  config.accessLog.filePath = options.accessLogFile;
  if (options.otlpEndpoint) config.tracing = tracing(options);
  return config;
}

function tracing({ otlpEndpoint, samplingRate = 0.1, environment = 'development' }) {
  const url = new URL(otlpEndpoint);
  if (url.pathname === '/') url.pathname = '/v1/traces';
  return {
    serviceName: 'gateway',
    resourceAttributes: { 'deployment.environment.name': environment },
    sampleRate: samplingRate,
    otlp: { http: { endpoint: url.href } },
  };
}

/** Puts milliseconds in the place of the durations that are given. */
function override(durations, milliseconds) {
  for (const [name, ms] of Object.entries(milliseconds)) {
    if (ms !== undefined) durations[name] = `${ms}ms`;
  }
}

function renderServices(config, { servers, healthPorts, timeouts }) {
  const services = config.http.services;
  const transport = config.http.serversTransports.services;
  override(transport.forwardingTimeouts, { responseHeaderTimeout: timeouts?.answerMs });
  for (const [name, urls] of Object.entries(servers)) {
    Object.assign(services, instances(name, services[name].loadBalancer, { urls, ports: healthPorts[name] }));
  }
  return config;
}

/** One service as the file has it where all instances have one ops port, else one per instance and a wheel over them. */
function instances(name, loadBalancer, { urls, ports }) {
  const balancer = (list, port) => ({
    loadBalancer: {
      ...loadBalancer,
      servers: list.map((url) => ({ url })),
      healthCheck: { ...loadBalancer.healthCheck, port },
    },
  });
  if (new Set(ports).size === 1) return { [name]: balancer(urls, ports[0]) };
  const children = Object.fromEntries(
    urls.map((url, index) => [`${name}-${index + 1}`, balancer([url], ports[index])]),
  );
  const wheel = Object.keys(children).map((child) => ({ name: child, weight: 1 }));
  return { ...children, [name]: { weighted: { services: wheel, healthCheck: {} } } };
}

function renderMiddlewares(config, options) {
  const all = config.http.middlewares;
  all['redirect-to-https'].plugin.edge.httpsPort = options.ports.https;
  all.headers.headers.stsSeconds = hstsSeconds(options) ?? all.headers.headers.stsSeconds;
  all.cors.headers.accessControlAllowOriginList = options.corsOrigins ?? [];
  if (!options.corsOrigins?.length) remove(all, 'cors');
  for (const { forwardAuth } of [all['signed-in'], all['operators-only']])
    forwardAuth.address = atInstance(forwardAuth.address, options.servers.auth[0]);
  renderLimits(all, options);
  return config;
}

/** Where a middleware asks there is no balancer: in production a name has all instances behind it. */
function atInstance(address, url) {
  if (!URL.canParse(url))
    throw new ClearError(
      `The gateway did not start: "${url}" is no URL of a server.`,
      'Give each as http://<host>:<port>.',
    );
  const { pathname, search } = new URL(address);
  return new URL(pathname + search, url).href;
}

// A browser holds on to this for every port of the host: `localhost` should be free again soon.
function hstsSeconds(options) {
  return options.hstsSeconds ?? (options.environment === 'development' ? 300 : undefined);
}

function renderLimits(all, { limits = {}, trustedProxies = [] }) {
  const { rateLimit } = all['rate-limit'];
  const inFlight = all['in-flight'].inFlightReq;
  const sockets = all.sockets.inFlightReq;
  rateLimit.average = limits.ratePerSecond ?? rateLimit.average;
  rateLimit.burst = limits.rateBurst ?? rateLimit.burst;
  inFlight.amount = limits.inFlight ?? inFlight.amount;
  sockets.amount = limits.sockets ?? sockets.amount;
  if (trustedProxies.length > 0) {
    const client = { ipStrategy: { excludedIPs: trustedProxies } };
    for (const limit of [rateLimit, inFlight, sockets]) limit.sourceCriterion = client;
  }
  if (rateLimit.average === 0) remove(all, 'rate-limit');
  // Routers name these two: a number that no address reaches stands for "no limit".
  for (const limit of [inFlight, sockets]) if (limit.amount === 0) limit.amount = Number.MAX_SAFE_INTEGER;
}

function remove(all, name) {
  all.entry.chain.middlewares = all.entry.chain.middlewares.filter((other) => other !== name);
  delete all[name];
}

function renderTls(config, { certFile, keyFile }) {
  config.tls.stores.default.defaultCertificate = {
    certFile: path.resolve(certFile),
    keyFile: path.resolve(keyFile),
  };
  return config;
}

function renderDocs(config, docsUrl) {
  config.http.services.docs.loadBalancer.servers = [{ url: docsUrl }];
  return config;
}

function read(name) {
  return parse(fs.readFileSync(path.join(source, name), 'utf8'), { merge: true });
}

// `aliasDuplicateObjects: false` because what the files share by anchor is told apart here.
function write(file, config) {
  fs.writeFileSync(file, stringify(config, { aliasDuplicateObjects: false }));
}
