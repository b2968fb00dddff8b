import { ChannelFollower } from './channel-follower';
import type { LogPage } from './event-log';
import { whereToBegin } from './where-to-begin';

const epoch = 'e1';
const pageSize = 100;

/** A log whose answers are held back until they are asked for; each says what was so when it was asked. */
class HeldLog {
  length = 0;
  private readonly answers: (() => void)[] = [];

  read(_channel: string, after = Number.MAX_SAFE_INTEGER): Promise<LogPage> {
    const found: LogPage = { epoch, offset: this.length, entries: [] };
    const last = Math.min(this.length, after + pageSize);
    for (let offset = after + 1; offset <= last; offset += 1) found.entries.push(entryAt(offset));
    return new Promise((resolve) => this.answers.push(() => resolve(found)));
  }

  answerOldest(): void {
    this.answers.shift()?.();
  }

  /** Until what was waited for is there. */
  async answerAll<T>(wanted: Promise<T>): Promise<T> {
    let done = false;
    void wanted.finally(() => (done = true)).catch(() => undefined);
    while (!done) {
      this.answerOldest();
      await new Promise((resolve) => setImmediate(resolve));
    }
    return wanted;
  }
}

function entryAt(offset: number) {
  return { offset, at: 0, text: `- "id":"${offset}"` };
}

let log: HeldLog;
let follower: ChannelFollower;
let told: number[];
let gaps: unknown[];

beforeEach(async () => {
  log = new HeldLog();
  told = [];
  gaps = [];
  const audience = {
    event: ({ offset }: { offset: number }) => void told.push(offset),
    gap: (gap: unknown) => void gaps.push(gap),
  };
  follower = new ChannelFollower({ channel: 'post:1', log, audience });
  await log.answerAll(follower.open());
});

describe('a client that another process has told more than this one has heard', () => {
  it('begins where it is, also while an older question to the log is still being answered', async () => {
    const others = follower.read(0);
    log.length = 3;
    const beginning = whereToBegin(follower, { epoch, offset: 3 });
    expect(await log.answerAll(beginning)).toEqual({ at: { epoch, offset: 3 } });
    expect((await others).offset).toBe(0);
    expect(told).toEqual([1, 2, 3]);
    expect(gaps).toEqual([]);
  });

  it('begins where it is, however far that is', async () => {
    log.length = 3 * pageSize;
    const beginning = whereToBegin(follower, { epoch, offset: log.length - 1 });
    expect(await log.answerAll(beginning)).toEqual({ at: { epoch, offset: log.length - 1 } });
    expect(told).toHaveLength(log.length);
  });

  it('is not believed when the log has no such event', async () => {
    log.length = 2;
    const beginning = await log.answerAll(whereToBegin(follower, { epoch, offset: 3 }));
    expect(beginning).toMatchObject({ at: { offset: 0 }, gap: { reason: 'new_epoch' } });
  });
});

describe('an event that is heard before those that precede it', () => {
  it('is told though somebody has begun to read before it was there', async () => {
    const others = follower.read(0);
    log.length = 2;
    follower.hear(epoch, entryAt(2));
    await log.answerAll(others);
    log.answerOldest();
    await new Promise((resolve) => setImmediate(resolve));
    expect(told).toEqual([1, 2]);
    expect(gaps).toEqual([]);
  });
});
