import { isRefusalOfData } from '@rostrum/data-access';

export interface GatheredCallsOptions<Item, Result> {
  /** Does it for all of them; what comes of it in their order. */
  all: (items: readonly Item[]) => Promise<readonly Result[]>;
  /** So many at most are done at once. */
  most?: number;
}

interface Caller<Item, Result> {
  item: Item;
  resolve: (result: Result) => void;
  reject: (error: unknown) => void;
}

const mostAtOnce = 64;

/**
 * Makes those calls one that come in one turn of the event loop. When PostgreSQL refuses them for what is in them, none
 * has been done, and each is made by itself: what is wrong with one is nobody else's matter.
 */
export function gatherCalls<Item, Result>({
  all,
  most = mostAtOnce,
}: GatheredCallsOptions<Item, Result>): (item: Item) => Promise<Result> {
  let gathered: Caller<Item, Result>[] = [];
  const send = () => {
    const callers = gathered;
    gathered = [];
    for (let start = 0; start < callers.length; start += most)
      void callAll(all, callers.slice(start, start + most));
  };
  return (item) =>
    new Promise((resolve, reject) => {
      // Requests and answers arrive in I/O callbacks; this runs after all those of the turn, a microtask after each.
      if (gathered.length === 0) setImmediate(send);
      gathered.push({ item, resolve, reject });
    });
}

async function callAll<Item, Result>(
  all: GatheredCallsOptions<Item, Result>['all'],
  callers: readonly Caller<Item, Result>[],
): Promise<void> {
  try {
    const results = await all(callers.map(({ item }) => item));
    for (const [index, { resolve }] of callers.entries()) resolve(results[index] as Result);
  } catch (error) {
    if (callers.length > 1 && isRefusalOfData(error)) {
      // One after the other: a bad call must not take more connections than a good one.
      for (const one of callers) await callAll(all, [one]);
    } else for (const { reject } of callers) reject(error);
  }
}
