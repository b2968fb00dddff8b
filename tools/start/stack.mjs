import fs from 'node:fs';
import path from 'node:path';
import { reasonOf } from '../native/clear-error.mjs';
import { provideRedis } from '../native/redis-binary.mjs';
import { provideTraefik } from '../native/traefik.mjs';
import { dataDir } from '../native/workspace.mjs';
import { buildApps, checkBuilt } from './build-apps.mjs';
import { developmentCertificate } from './certificate.mjs';
import { startMailCapture } from '../mail/capture-server.mjs';
import { startDocsServer } from './docs-server.mjs';
import { gatewayUnit } from './gateway-unit.mjs';
import { checkDisk, checkPorts } from './preflight.mjs';
import { provisionDatabase } from './provision-database.mjs';
import { seed } from './seed.mjs';
import { postgresUnit, redisUnit } from './server-units.mjs';
import { checkConfiguration, migrateService, serviceUnits } from './service-units.mjs';
import { services as allServices } from './settings.mjs';

/** The whole system on one machine: brings it up in order, and down in the reverse one. */
export class Stack {
  #docs;
  #mail;
  #gateway = 'none asked for';
  /** What the making of development data said; empty unless it was made now. */
  seedLines = [];

  constructor({ settings, options, supervisor, progress, signal }) {
    const { env, ports } = settings;
    this.settings = settings;
    this.services = options.only ?? allServices;
    this.options = options;
    this.supervisor = supervisor;
    this.progress = progress;
    this.signal = signal;
    /** What the services have to know of each other and of their servers; URLs come as the servers start. */
    this.context = { env, ports, signal };
  }

  get wantsGateway() {
    return this.services.length === allServices.length;
  }

  /** Mail is caught and shown unless there is a server to send it by. */
  get wantsMail() {
    return this.services.includes('auth') && !this.context.env.SMTP_URL;
  }

  get mailUrl() {
    return this.#mail && `http://127.0.0.1:${this.#mail.webPort}`;
  }

  async up() {
    const { progress } = this;
    await progress.step('settings, ports and disk', () => this.#preflight());
    // The first failure ends the others' work too, so that nothing goes on behind the message.
    const [traefik] = await this.#together([
      () => this.#provideGateway(),
      () => this.#build(),
      () => this.#servers(),
    ]);
    await this.#together([
      () => progress.step('database roles and schemas', () => provisionDatabase(this.context.databaseUrl)),
      () => this.#eachService('settings of the services', checkConfiguration),
    ]);
    await this.#eachService('migrations', migrateService);
    if (this.wantsMail) await progress.step('mail capture', () => this.#startMail());
    await progress.step('services ready', () => this.#startServices());
    if (traefik) await progress.step('gateway ready', () => this.#startGateway(traefik));
    if (traefik && this.options.seed) await this.#seedOnce();
  }

  async #preflight() {
    fs.mkdirSync(path.join(dataDir, 'logs'), { recursive: true });
    checkDisk(dataDir, this.settings.minFreeDiskMb);
    const { databaseUrl, redisUrl, ports } = this.settings;
    const needed = Object.entries(ports).filter(([name]) => {
      if (name === 'POSTGRES_PORT') return !databaseUrl;
      if (name === 'REDIS_PORT') return !redisUrl;
      if (/^(GATEWAY|DOCS)_/.test(name)) return this.wantsGateway;
      if (name.startsWith('MAIL_')) return this.wantsMail;
      return this.services.some((service) => name.startsWith(service.toUpperCase()));
    });
    await checkPorts(Object.fromEntries(needed));
    shortenLogs(path.join(dataDir, 'logs'));
  }

  async #together(jobs) {
    const failed = new AbortController();
    const ended = jobs.map((job) =>
      job().catch((error) => {
        failed.abort(error);
        this.options.abort(error);
        throw error;
      }),
    );
    await Promise.allSettled(ended);
    failed.signal.throwIfAborted();
    this.signal.throwIfAborted();
    return Promise.all(ended);
  }

  async #provideGateway() {
    if (!this.wantsGateway) return undefined;
    const { progress, signal } = this;
    const report = (line) => progress.note(line);
    try {
      return await progress.step('Traefik', () => provideTraefik({ report, signal }));
    } catch (error) {
      signal.throwIfAborted();
      this.#gateway = reasonOf(error);
      return undefined;
    }
  }

  async #build() {
    if (!this.options.build) return checkBuilt(this.services);
    const { progress, signal } = this;
    await progress.step('services built', () => buildApps({ progress, signal }));
  }

  async #servers() {
    await this.#together([() => this.#startPostgres(), () => this.#startRedis()]);
  }

  async #startPostgres() {
    const { databaseUrl } = this.settings;
    this.context.databaseUrl = databaseUrl;
    if (databaseUrl) return this.progress.say(`  ✓ PostgreSQL: yours, at ${new URL(databaseUrl).host}`);
    const start = async () => {
      const { unit, url, origin } = await postgresUnit(this.context);
      await this.supervisor.start(unit, this.signal);
      this.context.databaseUrl = url;
      return origin;
    };
    return this.progress.step('PostgreSQL', start, (origin) => origin);
  }

  async #startRedis() {
    const { redisUrl } = this.settings;
    this.context.redisUrl = redisUrl;
    if (redisUrl) return this.progress.say(`  ✓ Redis: yours, at ${new URL(redisUrl).host}`);
    const { progress, signal } = this;
    return progress.step('Redis', async () => {
      const binary = await provideRedis({ report: (line) => progress.note(line), signal });
      const { unit, url } = redisUnit({ ports: this.context.ports, binary });
      await this.supervisor.start(unit, signal);
      this.context.redisUrl = url;
    });
  }

  async #startMail() {
    const { MAIL_PORT: webPort, MAIL_SMTP_PORT: smtpPort } = this.context.ports;
    this.#mail = await startMailCapture({ webPort, smtpPort });
  }

  #eachService(what, work) {
    return this.progress.step(what, () =>
      Promise.all(this.services.map((service) => work(service, this.context))),
    );
  }

  async #startServices() {
    const units = this.services.flatMap((service) => serviceUnits(service, this.context));
    await this.#together(units.map((unit) => () => this.supervisor.start(unit, this.signal)));
  }

  async #startGateway(traefikBin) {
    const { ports } = this.context;
    const certificate = await developmentCertificate();
    this.certificate = certificate;
    this.#docs = await startDocsServer({ port: ports.DOCS_PORT });
    const docsUrl = `http://127.0.0.1:${ports.DOCS_PORT}`;
    const unit = gatewayUnit({ traefikBin, ports, settings: this.settings.gateway, certificate, docsUrl });
    await this.supervisor.start(unit, this.signal);
    this.#gateway = undefined;
  }

  get url() {
    return this.#gateway === undefined
      ? `https://localhost:${this.context.ports.GATEWAY_HTTPS_PORT}`
      : undefined;
  }

  /** Why there is no gateway; undefined where there is one. */
  get missingGateway() {
    return this.#gateway;
  }

  /** A first look should show something. Data that could not be made is no reason to stop. */
  async #seedOnce() {
    const marker = path.join(dataDir, 'seeded');
    if (fs.existsSync(marker)) return;
    const ca = fs.readFileSync(this.certificate.certFile);
    try {
      const log = (line) => this.seedLines.push(line);
      await this.progress.step('development data', () => seed({ url: this.url, ca, log }));
      fs.writeFileSync(marker, '');
    } catch (error) {
      this.signal.throwIfAborted();
      this.progress.warn(`There is no development data: ${reasonOf(error)} (try npm run seed)`);
    }
  }

  /** Drains in order; resolves to what is to be said of those that did not end well. */
  async down() {
    const { supervisor, progress } = this;
    const complaints = [];
    const stop = async (what, names) => {
      const running = names.filter((name) => supervisor.names.includes(name));
      if (running.length === 0) return;
      await progress.step(`${what} stopped`, async () =>
        complaints.push(...(await supervisor.stop(running))),
      );
    };
    const servers = ['gateway', 'redis', 'postgres'];
    const services = supervisor.names.filter((name) => !servers.includes(name));
    await stop('services drained and', services);
    await stop('gateway', ['gateway']);
    await this.#docs?.stop();
    await this.#mail?.stop();
    await stop('Redis', ['redis']);
    await stop('PostgreSQL', ['postgres']);
    return complaints;
  }
}

const longestLogBytes = 20 * 2 ** 20;

/** A log that has grown long makes room for a new one; one older is kept. */
function shortenLogs(folder) {
  for (const name of fs.readdirSync(folder).filter((file) => file.endsWith('.log'))) {
    const file = path.join(folder, name);
    if (fs.statSync(file).size > longestLogBytes) fs.renameSync(file, `${file}.1`);
  }
}
