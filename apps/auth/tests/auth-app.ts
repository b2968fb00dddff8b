import { hash } from 'node:crypto';
import { readConfig } from '@rostrum/config';
import type { Redis, Row } from '@rostrum/data-access';
import type { Service } from '@rostrum/service-kit';
import { waitFor, type RecordingLogger } from '@rostrum/testing';
import type { Mailbox } from '@rostrum/testing/mailbox';
import { createAuthService, createAuthWorker } from '../src/composition-root';
import { mainSettings, workerSettings } from '../src/config';
import { answerOf, expectProblem, valueOf, type Answer, type Question } from './answers';
import { openSurroundings, type AppOptions, type Settings, type Surroundings } from './auth-surroundings';
import { newDetails, type Details, type Person } from './person-details';

export { audience, issuer, newMasterKey, newSigningKey, type Settings } from './auth-surroundings';
export { tellingHeaders, type Answer } from './answers';
export { newDetails, type Details, type Person } from './person-details';

/** The real service on free ports, with stores of its own. */
export class AuthApp {
  readonly redis: Redis;
  readonly log: RecordingLogger;
  readonly mailbox: Mailbox;
  private readonly started: Service[] = [];
  private url = '';
  private opsUrl = '';
  private workerUrl = '';

  private constructor(private readonly around: Surroundings) {
    this.redis = around.redis;
    this.log = around.log;
    this.mailbox = around.mailbox;
  }

  static async start(options: AppOptions = {}): Promise<AuthApp> {
    const app = new AuthApp(await openSurroundings(options));
    try {
      await app.startService();
    } catch (error) {
      await app.stop();
      throw error;
    }
    return app;
  }

  /** What the service was told; commands are told the same. */
  get environment(): Settings {
    return this.around.environment;
  }

  /** A worker beside the service. */
  async startWorker(
    settings: Settings = {},
    through?: (databaseUrl: string) => Promise<Settings>,
  ): Promise<{ opsUrl: string }> {
    const { environment } = this.around;
    const more = await through?.(environment['DATABASE_URL'] ?? '');
    const config = readConfig(workerSettings, { ...environment, ...settings, ...more });
    const worker = createAuthWorker(config, { logger: this.log.lent });
    this.started.push(worker);
    const { opsPort } = await worker.start();
    this.workerUrl = `http://127.0.0.1:${opsPort}`;
    return { opsUrl: this.workerUrl };
  }

  async stop(): Promise<void> {
    for (const service of this.started.splice(0).reverse()) await service.stop('the test is over');
    for (const end of this.around.ends.splice(0)) await end();
  }

  /** Another process of the service on the same stores, with connections of its own. */
  async second(
    settings: Settings = {},
    through?: (databaseUrl: string) => Promise<Settings>,
  ): Promise<AuthApp> {
    const { environment } = this.around;
    const more = await through?.(environment['DATABASE_URL'] ?? '');
    const around = { ...this.around, environment: { ...environment, ...settings, ...more }, ends: [] };
    const other = new AuthApp(around);
    await other.startService();
    this.started.push(...other.started);
    return other;
  }

  /** Waits for something that happens by itself. */
  async until(condition: () => Promise<boolean> | boolean, what: string): Promise<void> {
    await waitFor(condition, { what, timeoutMs: 20_000 });
  }

  /** How many connections to PostgreSQL it has had at once, at most: none is closed while the test runs. */
  async mostConnections(): Promise<number> {
    const states = ['active', 'idle'].map((state) => this.metric(`db_pool_connections{state="${state}"}`));
    return (await Promise.all(states)).reduce((sum, count) => sum + count, 0);
  }

  async get(target: string, question: Question = {}): Promise<Answer> {
    return this.ask('GET', target, question);
  }

  async post(target: string, body: unknown, question: Question = {}): Promise<Answer> {
    return this.ask('POST', target, { body, ...question });
  }

  async delete(target: string, question: Question = {}): Promise<Answer> {
    return this.ask('DELETE', target, question);
  }

  async put(target: string, question: Question = {}): Promise<Answer> {
    return this.ask('PUT', target, question);
  }

  async patch(target: string, body: unknown, question: Question = {}): Promise<Answer> {
    return this.ask('PATCH', target, { body, ...question });
  }

  async register(details: unknown, question: Question = {}): Promise<Answer> {
    return this.post('/api/v1/auth/register', details, question);
  }

  async login(identifier: unknown, password: unknown, question: Question = {}): Promise<Answer> {
    return this.post('/api/v1/auth/login', { identifier, password }, question);
  }

  /** Somebody with an account. */
  async person(details: Partial<Details> = {}): Promise<Person> {
    const complete = { ...newDetails(), ...details };
    const { status, json } = await this.register(complete);
    expect(status).toBe(201);
    return { ...complete, id: json.user.id };
  }

  /** Somebody who has shown that the address is theirs, by the mail that the worker has sent. */
  async verifiedPerson(details: Partial<Details> = {}): Promise<Person> {
    const person = await this.person(details);
    const { token } = await this.mailbox.waitFor(person.email.toLowerCase(), /your address/);
    expect((await this.post('/api/v1/auth/email/verify', { token })).status).toBe(204);
    return person;
  }

  /** All that signing in gives. */
  async signIn({ username, password }: Pick<Details, 'username' | 'password'>, question: Question = {}) {
    const { status, json } = await this.login(username, password, question);
    expect(status).toBe(200);
    return json as { accessToken: string; refreshToken: string; deviceToken: string };
  }

  refresh(refreshToken: unknown, question: Question = {}): Promise<Answer> {
    return this.post('/api/v1/auth/refresh', { refreshToken }, question);
  }

  /** An access token, got by signing in. */
  async tokenOf({ username, password }: Details): Promise<string> {
    const { status, json } = await this.login(username, password);
    expect(status).toBe(200);
    return json.accessToken;
  }

  /** What really is in the tables. */
  async rows<T extends object = Row>(sql: string, values: unknown[] = []): Promise<T[]> {
    return (await this.around.admin.query<T>(hash('sha1', sql), sql, values)).rows;
  }

  /** Does something to the tables and commits it only after `meanwhile`. */
  async uncommitted(sql: string, values: unknown[], meanwhile: () => Promise<void>): Promise<void> {
    await this.around.admin.transaction(async (trx) => {
      await trx.query(hash('sha1', sql), sql, values);
      await meanwhile();
    });
  }

  /** Resolves when so many wait for a row that another transaction has changed. */
  async untilSomebodyWaits(count = 1): Promise<void> {
    const waiting = `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
    await this.until(async () => (await this.rows(waiting)).length >= count, 'somebody to wait for a lock');
  }

  async metrics(): Promise<string> {
    return (await fetch(`${this.opsUrl}/metrics`)).text();
  }

  /** The value of a series: NaN where there is none. */
  async metric(series: string): Promise<number> {
    return valueOf(series, await this.metrics());
  }

  refusedSignIns(): Promise<number> {
    return this.metric('sign_ins_total{outcome="refused"}');
  }

  /** Of the worker that was started last. */
  async workerMetric(series: string): Promise<number> {
    return valueOf(series, await (await fetch(`${this.workerUrl}/metrics`)).text());
  }

  async probe(target: '/healthz' | '/readyz'): Promise<Answer> {
    return answerOf(await fetch(this.opsUrl + target));
  }

  /** All lines of a request; the last of them is written after its answer. */
  async linesOf({ headers }: Answer) {
    const requestId = headers.get('x-request-id');
    return waitFor(() => {
      const lines = this.log.lines().filter((line) => line.request_id === requestId);
      return lines.some((line) => line.status !== undefined) && lines;
    });
  }

  private async startService(): Promise<void> {
    const config = readConfig(mainSettings, this.around.environment);
    const service = createAuthService(config, { logger: this.log.lent });
    this.started.push(service);
    const { port, opsPort } = await service.start();
    this.url = `http://127.0.0.1:${port}`;
    this.opsUrl = `http://127.0.0.1:${opsPort}`;
  }

  private async ask(method: string, target: string, question: Question): Promise<Answer> {
    const { body, token, headers, signal } = question;
    const response = await fetch(this.url + target, {
      method,
      headers: {
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      ...(signal && { signal }),
    });
    const answer = await answerOf(response);
    if (answer.status >= 400) expectProblem(answer);
    return answer;
  }
}
