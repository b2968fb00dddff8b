/** A process of the benchmark does what its parent asks, one thing after the other. */
type Order = { do: string } & Record<string, unknown>;

export type Orders = Record<string, (order: never) => unknown>;

export function takeOrders(orders: Orders): void {
  let queue = Promise.resolve();
  process.on('message', (order: Order) => {
    queue = queue.then(async () => {
      const act = orders[order.do] as ((order: Order) => unknown) | undefined;
      process.send?.({ did: order.do, ...((await act?.(order)) as object | undefined) });
    });
  });
  // Whoever asked is gone.
  process.on('disconnect', () => process.exit());
}

/** As V8 collects when a process has been idle for some seconds: pages that it holds in reserve are given back too. */
const thorough = { type: 'major', execution: 'sync', flavor: 'last-resort' } as const;

/** Resident memory once there is no garbage left; needs `--expose-gc`. */
async function settledRss(): Promise<{ rss: number }> {
  for (let i = 0; i < 3; i += 1) {
    globalThis.gc?.(thorough);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  return { rss: process.memoryUsage.rss() };
}

/** What every server is asked for. */
export const memoryOrders = { rss: settledRss, rssNow: () => ({ rss: process.memoryUsage.rss() }) };

export interface BroadcastOrder {
  /** Events of one tick. */
  burst: number;
}

export const eventBytes = 200;

/** In ms, the same for all processes of a machine. */
export function now(): number {
  return performance.timeOrigin + performance.now();
}

/** The text of an event of 200 bytes that says when it was sent. */
export function eventText(): string {
  const at = now().toFixed(3);
  const start = `{"type":"event","channel":"user:me","id":"1","name":"bench","at":${at},"data":"`;
  return `${start}${'x'.repeat(eventBytes - start.length - 2)}"}`;
}
