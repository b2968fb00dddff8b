const MAX_ROUTES = 1000;

interface RouteWindow {
  second: number;
  seen: number;
}

/**
 * Thins out success lines, per route and second: the first some pass, then every n-th, with a weight that says for how
 * many it stands. The sum of weights over a busy second is the number of requests.
 */
export class AccessSampling {
  private readonly windows = new Map<string, RouteWindow>();
  private readonly first: number;
  private readonly every: number;
  private readonly all: boolean;

  constructor(first: number, every: number) {
    this.first = Math.max(0, first);
    this.every = Math.max(1, Math.floor(every));
    this.all = this.every === 1;
  }

  /** How many requests the line would stand for; 0: it is not written. */
  weigh(route: string, now: number): number {
    if (this.all) return 1;
    const second = Math.floor(now / 1000);
    const window = this.windowOf(route);
    if (window.second !== second) {
      window.second = second;
      window.seen = 0;
    }
    window.seen++;
    if (window.seen <= this.first) return 1;
    return (window.seen - this.first) % this.every === 0 ? this.every : 0;
  }

  private windowOf(route: string): RouteWindow {
    let window = this.windows.get(route);
    if (window === undefined) {
      if (this.windows.size >= MAX_ROUTES) this.windows.clear();
      window = { second: -1, seen: 0 };
      this.windows.set(route, window);
    }
    return window;
  }
}
