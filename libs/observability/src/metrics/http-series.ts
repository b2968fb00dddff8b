/** Upper bounds in seconds. 0.2 and 0.5 are among them because the alerts ask for p95 below 200 ms and 500 ms. */
export const durationBounds = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.35, 0.5, 1, 2.5, 5, 10,
] as const;

const OTHER = 'other';
const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);
const BOUNDS = Float64Array.from(durationBounds);
const OVERFLOW_BUCKET = BOUNDS.length;

/** The newest trace seen in each bucket. */
export interface Exemplar {
  traceId: string;
  seconds: number;
  at: number;
}

/** What is known of one (method, route, status): counts by bucket, not cumulated, and their sum. */
export class HttpSeries {
  readonly counts = new Float64Array(OVERFLOW_BUCKET + 1);
  readonly exemplars: (Exemplar | undefined)[] = [];
  sum = 0;
  total = 0;

  constructor(
    readonly method: string,
    readonly route: string,
    readonly status: string,
  ) {}

  observe(seconds: number, traceId: string | undefined): void {
    let bucket = 0;
    while (bucket < OVERFLOW_BUCKET && seconds > (BOUNDS[bucket] as number)) bucket++;
    (this.counts[bucket] as number)++;
    this.sum += seconds;
    this.total++;
    if (traceId !== undefined) this.exemplars[bucket] = { traceId, seconds, at: Date.now() };
  }
}

type ByStatus = Map<number, HttpSeries>;

/**
 * The series of all routes. A request costs three look-ups and one array update, and no string is built.
 * There is a budget: what would exceed it is counted under 'other', so that no caller can grow the scrape.
 */
export class HttpSeriesStore {
  readonly all: HttpSeries[] = [];
  private readonly byMethod = new Map<string, Map<string, ByStatus>>();
  private readonly routes = new Set<string>([OTHER]);

  constructor(
    private readonly maxRoutes: number,
    private readonly maxSeries: number,
  ) {}

  find(method: string, route: string, status: number): HttpSeries {
    return this.byMethod.get(method)?.get(route)?.get(status) ?? this.open(method, route, status);
  }

  /** Makes a route known, and its series exist at zero. */
  prime(method: string, route: string, statuses: readonly number[]): void {
    this.routes.add(route);
    for (const status of statuses) this.find(method, route, status);
  }

  clear(): void {
    this.all.length = 0;
    this.byMethod.clear();
  }

  private open(method: string, route: string, status: number): HttpSeries {
    const knownMethod = METHODS.has(method) ? method : OTHER;
    const knownRoute = this.admitRoute(route) ? route : OTHER;
    const knownStatus = Number.isInteger(status) && status >= 100 && status <= 599 ? status : 0;
    const known = this.byMethod.get(knownMethod)?.get(knownRoute)?.get(knownStatus);
    if (known) return known;
    if (this.all.length < this.maxSeries) return this.create(knownMethod, knownRoute, knownStatus);
    return this.byMethod.get(OTHER)?.get(OTHER)?.get(0) ?? this.create(OTHER, OTHER, 0);
  }

  private admitRoute(route: string): boolean {
    if (this.routes.has(route)) return true;
    if (this.routes.size >= this.maxRoutes) return false;
    this.routes.add(route);
    return true;
  }

  private create(method: string, route: string, status: number): HttpSeries {
    const series = new HttpSeries(method, route, status === 0 ? OTHER : String(status));
    const routes = this.byMethod.get(method) ?? new Map<string, ByStatus>();
    const statuses = routes.get(route) ?? new Map<number, HttpSeries>();
    this.byMethod.set(method, routes.set(route, statuses.set(status, series)));
    this.all.push(series);
    return series;
  }
}
