import net from 'node:net';
import { once } from 'node:events';

export interface FaultProxyOptions {
  /** `host:port`, or a URL whose host and port are meant. */
  target: string;
}

export type Direction = 'both' | 'toServer' | 'toClient';

type Fault = { kind: 'none' } | { kind: 'pause' } | { kind: 'drop' } | { kind: 'delay'; ms: number };

/** A TCP proxy that does to a connection what networks do. */
export interface FaultProxy {
  readonly host: string;
  readonly port: number;
  /** The given URL with the proxy's address in place of its own. */
  urlFor(url: string): string;
  /** Connections that are open now. */
  connections(): number;
  /** Turns new connections away and cuts those that are open. */
  refuse(): Promise<void>;
  /** Holds back all bytes; `heal` lets them through. */
  pause(direction?: Direction): void;
  /** Makes every byte late. */
  delay(ms: number, direction?: Direction): void;
  /** Cuts the open connections with a reset; new ones are let through. */
  reset(): void;
  /** Cuts each open connection with a reset as soon as the server answers on it, after so many bytes of the answer. */
  resetMidReply(bytes?: number): void;
  /** Swallows all bytes, for good: connections opened until `heal` stay dead afterwards, as after a lost route. */
  halfOpen(direction?: Direction): void;
  /** Back to a plain proxy. */
  heal(): Promise<void>;
  close(): Promise<void>;
}

export async function startFaultProxy({ target }: FaultProxyOptions): Promise<FaultProxy> {
  const proxy = new TcpFaultProxy(addressOf(target));
  await proxy.listen(0);
  return proxy;
}

function addressOf(target: string): { host: string; port: number } {
  const url = new URL(target.includes('://') ? target : `tcp://${target}`);
  return { host: url.hostname, port: Number(url.port) };
}

class TcpFaultProxy implements FaultProxy {
  readonly host = '127.0.0.1';
  port = 0;
  private server: net.Server | undefined;
  private readonly links = new Set<Link>();
  private readonly faults: Record<'toServer' | 'toClient', Fault> = {
    toServer: { kind: 'none' },
    toClient: { kind: 'none' },
  };

  constructor(private readonly target: { host: string; port: number }) {}

  async listen(port: number): Promise<void> {
    const server = net.createServer({ allowHalfOpen: true }, (socket) => this.accept(socket));
    this.server = server;
    server.listen(port, this.host);
    await once(server, 'listening');
    this.port = (server.address() as net.AddressInfo).port;
  }

  urlFor(url: string): string {
    const changed = new URL(url);
    changed.hostname = this.host;
    changed.port = String(this.port);
    return changed.href;
  }

  connections(): number {
    return this.links.size;
  }

  async refuse(): Promise<void> {
    const { server } = this;
    this.server = undefined;
    const closed = server && new Promise((resolve) => server.close(resolve));
    this.reset();
    await closed;
  }

  pause(direction: Direction = 'both'): void {
    this.set(direction, { kind: 'pause' });
  }

  delay(ms: number, direction: Direction = 'both'): void {
    this.set(direction, { kind: 'delay', ms });
  }

  reset(): void {
    for (const link of this.links) link.reset();
  }

  resetMidReply(bytes = 1): void {
    for (const link of this.links) link.resetAfter(bytes);
  }

  halfOpen(direction: Direction = 'both'): void {
    this.set(direction, { kind: 'drop' });
  }

  async heal(): Promise<void> {
    this.set('both', { kind: 'none' });
    if (!this.server) await this.listen(this.port);
  }

  async close(): Promise<void> {
    await this.refuse();
  }

  private set(direction: Direction, fault: Fault): void {
    for (const side of ['toServer', 'toClient'] as const) {
      if (direction === 'both' || direction === side) this.faults[side] = fault;
    }
    for (const link of this.links) link.apply();
  }

  private accept(client: net.Socket): void {
    const link = new Link(client, net.connect({ ...this.target, allowHalfOpen: true }), this.faults);
    this.links.add(link);
    link.onClose(() => this.links.delete(link));
  }
}

/** One connection through the proxy: two sockets, and a pipe for each direction. */
class Link {
  private readonly pipes: Pipe[];

  constructor(
    private readonly client: net.Socket,
    private readonly server: net.Socket,
    faults: Record<'toServer' | 'toClient', Fault>,
  ) {
    this.pipes = [
      new Pipe(client, server, () => faults.toServer),
      new Pipe(server, client, () => faults.toClient),
    ];
    for (const socket of [client, server]) {
      socket.setNoDelay(true);
      socket.on('error', () => this.reset());
    }
  }

  onClose(action: () => void): void {
    let open = 2;
    for (const socket of [this.client, this.server]) {
      socket.once('close', () => {
        open -= 1;
        if (open === 0) action();
      });
    }
  }

  apply(): void {
    for (const pipe of this.pipes) pipe.apply();
  }

  reset(): void {
    for (const socket of [this.client, this.server]) {
      // A reset of a socket that is saying goodbye never ends, and neither does the process at its exit.
      if (socket.writableEnded) socket.destroy();
      else socket.resetAndDestroy();
    }
  }

  resetAfter(bytes: number): void {
    const reply = this.pipes[1];
    if (reply) reply.cutAfter(bytes, () => this.reset());
  }
}

/** Carries the bytes of one direction as long as its fault allows. */
class Pipe {
  private held: Buffer[] = [];
  /** Under way, each for as long as the delay was when it came. */
  private late: Buffer[] = [];
  private dead = false;
  private ended = false;
  private cut: { left: number; action: () => void } | undefined;

  constructor(
    from: net.Socket,
    private readonly to: net.Socket,
    private readonly fault: () => Fault,
  ) {
    from.on('data', (chunk: Buffer) => this.take(chunk));
    from.on('end', () => {
      this.ended = true;
      this.apply();
    });
  }

  cutAfter(bytes: number, action: () => void): void {
    this.cut = { left: bytes, action };
  }

  /** Does what the present fault says with what has been held back. */
  apply(): void {
    const fault = this.fault();
    if (fault.kind === 'drop') this.dead = true;
    // Nothing overtakes what is late: that never happens in a connection.
    if (fault.kind !== 'delay') this.held.push(...this.late.splice(0));
    if (this.dead) this.held = [];
    if (fault.kind === 'pause' || this.dead) return;
    for (const chunk of this.held) this.to.write(chunk);
    this.held = [];
    if (this.ended && fault.kind === 'none') this.to.end();
  }

  private take(chunk: Buffer): void {
    const fault = this.fault();
    if (this.cut && chunk.length >= this.cut.left) {
      const { left, action } = this.cut;
      this.to.write(chunk.subarray(0, left), () => action());
      this.dead = true;
      return;
    }
    if (fault.kind === 'delay') {
      this.late.push(chunk);
      setTimeout(() => this.pass(this.late.indexOf(chunk) + 1), fault.ms);
      return;
    }
    this.late.push(chunk);
    this.pass(this.late.length);
  }

  /** So many of those that are late have been so for long enough. */
  private pass(count: number): void {
    this.held.push(...this.late.splice(0, count));
    this.apply();
  }
}
