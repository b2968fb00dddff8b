import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { serverMessage } from '@rostrum/contracts';
import { startFaultProxy, type FaultProxy } from '@rostrum/testing';
import type { LogSettings } from '../../src/live/event-log';
import type { Reply, Request } from './instance-messages';
import type { ModelClient, ModelConnection } from './model-client';
import type { ModelInstance } from './model-instance';

export interface ProcessInstanceOptions {
  /** Of `serve-instance`, as one file. */
  program: string;
  redisUrl: string;
  settings: LogSettings;
}

/** A client's connection, and what is under way on it. */
class Line {
  /** The answer that a channel waits for: whatever comes before it was said before it was asked for. */
  readonly awaited = new Map<string, string>();
  readonly answers = new Map<string, () => void>();

  constructor(
    readonly number: number,
    readonly connection: ModelConnection,
  ) {}
}

let linesMade = 0;

/** An instance that is a process: its end is SIGKILL, and what it says takes its time, as over any network. */
export class ProcessInstance implements ModelInstance {
  readonly startAnother = () => ProcessInstance.start(this.options);
  private readonly lines = new Map<ModelConnection, Line>();
  private readonly byNumber = new Map<number, Line>();

  private constructor(
    private readonly options: ProcessInstanceOptions,
    readonly proxy: FaultProxy,
    private readonly child: ChildProcess,
  ) {
    child.on('message', (reply) => this.hear(reply as Reply));
  }

  static async start(options: ProcessInstanceOptions): Promise<ModelInstance> {
    const proxy = await startFaultProxy({ target: options.redisUrl });
    const child = fork(options.program, { execArgv: [] });
    const instance = new ProcessInstance(options, proxy, child);
    const redisUrl = proxy.urlFor(options.redisUrl);
    instance.ask({ do: 'start', redisUrl, settings: options.settings });
    await once(child, 'message');
    return instance;
  }

  get connections(): ReadonlySet<ModelConnection> {
    return new Set(this.lines.keys());
  }

  admit(client: ModelClient): ModelConnection {
    const connection = client.connect();
    const line = new Line(linesMade++, connection);
    this.lines.set(connection, line);
    this.byNumber.set(line.number, line);
    this.ask({ do: 'admit', connection: line.number, user: client.user });
    return connection;
  }

  async join(connection: ModelConnection, channel: string): Promise<void> {
    const line = this.lines.get(connection);
    if (!line) return;
    const attempt = `${channel} ${connection.client.ask(channel)}`;
    line.awaited.set(channel, attempt);
    const since = connection.client.positionOf(channel);
    const answered = new Promise<void>((resolve) => line.answers.set(attempt, resolve));
    this.ask({ do: 'join', connection: line.number, channel, since, attempt });
    await answered;
  }

  leave(connection: ModelConnection, channel: string): void {
    const line = this.lines.get(connection);
    if (!line) return;
    connection.client.joined.delete(channel);
    line.awaited.set(channel, 'nothing');
    this.ask({ do: 'leave', connection: line.number, channel });
  }

  dismiss(connection: ModelConnection): void {
    const line = this.lines.get(connection);
    if (!line) return;
    this.ask({ do: 'dismiss', connection: line.number });
    this.end(line);
  }

  async kill(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const exit = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    for (const line of [...this.lines.values()]) this.end(line);
    await exit;
    await this.proxy.close();
  }

  private end(line: Line): void {
    this.lines.delete(line.connection);
    this.byNumber.delete(line.number);
    line.connection.client.cut();
    for (const resolve of line.answers.values()) resolve();
  }

  private ask(request: Request): void {
    if (this.child.connected) this.child.send(request);
  }

  private hear(reply: Reply): void {
    if (reply.what === 'started') return;
    const line = this.byNumber.get(reply.connection);
    if (!line) return;
    if (reply.what === 'frame') {
      this.take(line, reply.text);
      return;
    }
    const { channel, attempt } = reply;
    if (reply.what === 'refused' && line.awaited.get(channel) === attempt) {
      line.connection.client.joined.delete(channel);
    }
    line.answers.get(attempt)?.();
    line.answers.delete(attempt);
  }

  private take({ connection, awaited }: Line, text: string): void {
    const message = serverMessage.parse(JSON.parse(text));
    const channel = 'channel' in message ? (message.channel ?? '') : '';
    const answer = awaited.get(channel);
    if (message.type === 'subscribed' && message.id === answer) awaited.delete(channel);
    else if (answer !== undefined) return;
    connection.client.receive(message);
  }
}
