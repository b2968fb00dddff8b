/** Clients that keep account of what they are told, and come back when they are cut off, as the protocol says. */
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { serverMessage, webSocketProtocol, type ServerMessage } from '@rostrum/contracts';
import { WebSocket } from 'ws';
import { takeOrders } from './orders';
import { addressOf } from './own-addresses';

/** Handshakes at once: what a crowd does is bounded by what this process can do. */
const atOnce = 100;
const againMs = 100;
const knownTypes: ReadonlySet<string> = new Set(serverMessage.options.map(({ shape }) => shape.type.value));

let ports: number[] = [];
let channel = '';
let turn = 0;
const clients: Client[] = [];
const handshakes: number[] = [];
const told = { events: 0, lost: 0, gaps: 0, twice: 0 };
let wanted: { isMet: () => boolean; resolve: () => void } | undefined;
let under = 0;
const line: (() => void)[] = [];

class Client {
  isBack = false;
  offset = 0;
  private epoch = '';

  constructor(
    private readonly token: string,
    private readonly localAddress: string,
  ) {}

  async come(): Promise<void> {
    for (;;) {
      try {
        await inTurn(() => this.connect());
        return;
      } catch {
        await delay(againMs);
      }
    }
  }

  private async connect(): Promise<void> {
    const socket = new WebSocket(`ws://127.0.0.1:${ports[turn++ % ports.length]}/ws`, [webSocketProtocol], {
      headers: { authorization: `Bearer ${this.token}` },
      localAddress: this.localAddress,
      perMessageDeflate: false,
    });
    let reconnectInMs = 0;
    socket.on('error', () => undefined);
    socket.on('message', (data) => {
      const message = JSON.parse(String(data)) as ServerMessage;
      if (message.type === 'draining') ({ reconnectInMs } = message);
      else this.take(message, socket);
    });
    handshakes.push(performance.now());
    await once(socket, 'open');
    const since = this.epoch && { epoch: this.epoch, offset: this.offset };
    socket.send(JSON.stringify({ type: 'subscribe', channel, ...(since && { since }) }));
    socket.once('close', () => {
      this.isBack = false;
      void delay(reconnectInMs).then(() => this.come());
    });
  }

  private take(message: ServerMessage, socket: WebSocket): void {
    if (!knownTypes.has(message.type)) throw new Error(`Unknown: ${message.type}`);
    if (message.type === 'subscribed') {
      ({ epoch: this.epoch } = message);
      this.isBack = true;
    } else if (message.type === 'gap') {
      told.gaps += 1;
    } else if (message.type === 'error') {
      // Whoever is told that Redis was too slow asks again.
      socket.terminate();
    } else if (message.type === 'event') {
      const offset = message.offset ?? Number.NaN;
      told.events += 1;
      if (offset <= this.offset) told.twice += 1;
      else told.lost += offset - this.offset - 1;
      this.offset = offset;
    }
    look();
  }
}

async function inTurn(work: () => Promise<void>): Promise<void> {
  if (under >= atOnce) await new Promise<void>((resolve) => line.push(resolve));
  else under += 1;
  try {
    await work();
  } finally {
    const next = line.shift();
    if (next) next();
    else under -= 1;
  }
}

/** What is waited for is looked for once in a while only: there are many clients, and each of them is looked at. */
let isLooking = false;
function look(): void {
  if (!wanted || isLooking) return;
  isLooking = true;
  setTimeout(() => {
    isLooking = false;
    if (!wanted?.isMet()) return;
    wanted.resolve();
    wanted = undefined;
  }, 50);
}

function until(isMet: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    wanted = { isMet, resolve };
    look();
  });
}

/** `handshakes`: so many have to have been tried, where it may take a while to notice that one is cut off. */
const allBack = ({ handshakes: least = 0 }: { handshakes?: number }) =>
  until(() => handshakes.length >= least && clients.every(({ isBack }) => isBack));

/** So long without anybody separates one crowd from the next. */
const pauseMs = 1000;

/** Those of the largest crowd, per second: the most, and on the whole. */
function rates(): { peak: number; mean: number } {
  const crowds: number[][] = [];
  for (const [i, at] of handshakes.entries()) {
    if (i === 0 || at - (handshakes[i - 1] ?? 0) > pauseMs) crowds.push([]);
    crowds.at(-1)?.push(at);
  }
  const largest = crowds.reduce((one, other) => (other.length > one.length ? other : one), []);
  const seconds = ((largest.at(-1) ?? 0) - (largest[0] ?? 0)) / 1000;
  return { peak: peakPerSecond(largest), mean: largest.length / seconds };
}

function peakPerSecond(times: readonly number[]): number {
  let peak = 0;
  for (let start = 0, end = 0; end < times.length; end += 1) {
    while ((times[end] ?? 0) - (times[start] ?? 0) > 1000) start += 1;
    peak = Math.max(peak, end - start + 1);
  }
  return peak;
}

interface OpenOrder {
  ports: number[];
  count: number;
  tokens: string[];
  channel: string;
}

takeOrders({
  open: async (order: OpenOrder) => {
    ({ ports, channel } = order);
    for (let i = 0; i < order.count; i += 1) {
      clients.push(new Client(order.tokens[i % order.tokens.length] ?? '', addressOf(i)));
    }
    await Promise.all(clients.map((client) => client.come()));
    await allBack({});
    handshakes.length = 0;
  },
  goTo: (order: { ports: number[] }) => void ({ ports } = order),
  allBack,
  allAt: ({ offset }: { offset: number }) => until(() => clients.every((client) => client.offset >= offset)),
  account: () => ({ ...told, handshakes: handshakes.length, ...rates() }),
});
