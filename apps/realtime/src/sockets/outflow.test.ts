import type { Socket } from 'node:net';
import { Writable } from 'node:stream';
import { waitFor } from '@rostrum/testing';
import { frameOfText } from './frame';
import { Outbox } from './outbox';
import { Outflow } from './outflow';

const maxBytes = 1_000_000;
const frames = ['one', 'two', 'three', 'four', 'five'].map((text) => frameOfText('event', text));

/** What is written to it, write by write. */
class Sink extends Writable {
  readonly writes: string[] = [];
  private waiter: { writes: number; resolve: () => void } | undefined;

  /** Resolves right after the turn in which there were so many. */
  whenWritten(writes: number): Promise<void> {
    return new Promise((resolve) => (this.waiter = { writes, resolve }));
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.writes.push(
      chunk
        .toString()
        .replaceAll(/[^a-z]+/g, ' ')
        .trim(),
    );
    if (this.writes.length === this.waiter?.writes) this.waiter.resolve();
    done();
  }
}

let sent: Record<string, number>;
let outflow: Outflow;
let sinks: Sink[];
let outboxes: Outbox[];

beforeEach(() => {
  sent = {};
  const onSent = (type: string, count: number) => void (sent[type] = (sent[type] ?? 0) + count);
  outflow = new Outflow({ onSent, gatherMs: 20 });
  sinks = [new Sink(), new Sink()];
  // As much of a socket as an outbox that sends has to do with.
  outboxes = sinks.map((sink) => new Outbox(sink as unknown as Socket, outflow));
});

const send = (...which: number[]) => {
  for (const i of which) for (const outbox of outboxes) outbox.add(frames[i] as (typeof frames)[0], maxBytes);
};
const written = () => sinks.map(({ writes }) => writes);
const roundsOver = async () => {
  const { round } = outflow;
  await waitFor(() => outflow.round >= round + 2, { what: 'the end of the rounds', everyMs: 1 });
};

describe('what is sent', () => {
  it('goes out at once, and what follows in one write, to each', async () => {
    send(0);
    expect(written()).toEqual([['one'], ['one']]);
    send(1, 2, 3);
    expect(written()).toEqual([['one'], ['one']]);
    await sinks[1]?.whenWritten(2);
    expect(written()).toEqual([
      ['one', 'two three four'],
      ['one', 'two three four'],
    ]);
    // They have been written to a moment ago.
    send(4);
    expect(written().map(({ length }) => length)).toEqual([2, 2]);
    await sinks[1]?.whenWritten(3);
    await waitFor(() => sent['event'] === 10);
  });

  it('goes out at once again after a while of silence', async () => {
    send(0, 1);
    await roundsOver();
    send(2);
    expect(written()).toEqual([
      ['one', 'two', 'three'],
      ['one', 'two', 'three'],
    ]);
  });

  it('to one does not make it wait for the others', async () => {
    outboxes[0]?.add(frames[0] as (typeof frames)[0], maxBytes);
    send(1);
    expect(written()).toEqual([['one'], ['two']]);
    await sinks[0]?.whenWritten(2);
    expect(written()).toEqual([['one', 'two'], ['two']]);
  });
});
