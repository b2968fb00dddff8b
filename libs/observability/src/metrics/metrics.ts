import { Counter, Gauge, Histogram, Registry, type Metric } from 'prom-client';
import { acceptFormat } from './accept-format';
import {
  contentTypes,
  formatCommonLabels,
  formatMetric,
  isSelfFormatting,
  type ExposedMetric,
} from './exposition';
import { HttpDurationHistogram, HttpRequestsCounter } from './http-metrics';
import { HttpSeriesStore } from './http-series';
import { collectProcessMetrics } from './process-metrics';

const DEFAULT_MAX_ROUTES = 200;
const DEFAULT_MAX_HTTP_SERIES = 1500;
const DEFAULT_COLLECT_TIMEOUT_MS = 1000;
const PRIMED_STATUSES = [200, 500] as const;

export interface MetricsOptions {
  /** A label of every series. */
  service: string;
  /** How many route patterns are told apart; more are counted as 'other'. Default 200. */
  maxRoutes?: number;
  /** How many (method, route, status) are told apart. Default 1,500. */
  maxHttpSeries?: number;
  /** How long a scrape waits for one metric's `collect`, before it goes on without that metric. Default 1,000. */
  collectTimeoutMs?: number;
}

export interface RenderedMetrics {
  contentType: string;
  body: string;
}

export type LabelNames<T extends string> = readonly T[];

export interface GaugeOptions<T extends string> {
  labelNames?: LabelNames<T>;
  /** Called at each scrape, to set the value that holds then. */
  collect?: (gauge: Gauge<T>) => void | Promise<void>;
}

export interface HistogramOptions<T extends string> {
  labelNames?: LabelNames<T>;
  /** Upper bounds in seconds; the default suits requests and queries. */
  buckets?: readonly number[];
}

/** The metrics of one process. */
export interface Metrics {
  /** prom-client's registry; one per service, never the global one. */
  readonly registry: Registry;
  /** Counts one exchange: the hot path. The trace id of a sampled request becomes the exemplar of its bucket. */
  httpRequest(method: string, route: string, status: number, seconds: number, exemplarTraceId?: string): void;
  /** Makes a route pattern known and its series exist at zero (200 and 500, unless told otherwise). */
  primeRoute(method: string, route: string, statuses?: readonly number[]): void;
  /** The name of a counter ends in `_total`. */
  counter<T extends string = string>(name: string, help: string, labels?: LabelNames<T>): Counter<T>;
  gauge<T extends string = string>(
    name: string,
    help: string,
    labels?: LabelNames<T> | GaugeOptions<T>,
  ): Gauge<T>;
  histogram<T extends string = string>(
    name: string,
    help: string,
    labels?: LabelNames<T> | HistogramOptions<T>,
  ): Histogram<T>;
  /** Renders the text that the Accept header prefers: Prometheus, or OpenMetrics with exemplars. */
  render(acceptHeader?: string): Promise<RenderedMetrics>;
  /** Ends the observers of the process metrics. */
  close(): void;
}

const isNames = <T extends string>(labels: LabelNames<T> | object): labels is LabelNames<T> =>
  Array.isArray(labels);

class ServiceMetrics implements Metrics {
  readonly registry = new Registry();
  private readonly http: HttpSeriesStore;
  private readonly commonLabels: string;
  private readonly collectTimeoutMs: number;
  private readonly collectFailures: Counter;
  private readonly stopProcessMetrics: () => void;

  constructor(options: MetricsOptions) {
    const { service, maxRoutes = DEFAULT_MAX_ROUTES, maxHttpSeries = DEFAULT_MAX_HTTP_SERIES } = options;
    this.registry.setDefaultLabels({ service });
    this.commonLabels = formatCommonLabels({ service });
    this.collectTimeoutMs = options.collectTimeoutMs ?? DEFAULT_COLLECT_TIMEOUT_MS;
    this.http = new HttpSeriesStore(maxRoutes, maxHttpSeries);
    new HttpDurationHistogram(this.http, this.registry);
    new HttpRequestsCounter(this.http, this.registry);
    this.stopProcessMetrics = collectProcessMetrics(this.registry);
    this.collectFailures = this.counter('metrics_collect_failures_total', 'Metrics left out of a scrape.');
  }

  // eslint-disable-next-line max-params -- called once per request: no object is made for it
  httpRequest(
    method: string,
    route: string,
    status: number,
    seconds: number,
    exemplarTraceId?: string,
  ): void {
    this.http.find(method, route, status).observe(seconds, exemplarTraceId);
  }

  primeRoute(method: string, route: string, statuses: readonly number[] = PRIMED_STATUSES): void {
    this.http.prime(method, route, statuses);
  }

  counter<T extends string>(name: string, help: string, labels: LabelNames<T> = []): Counter<T> {
    if (!name.endsWith('_total')) throw new TypeError(`The counter ${name} has to be called ${name}_total`);
    this.refuseSharedFamily(name);
    return new Counter({ name, help, labelNames: labels, registers: [this.registry] });
  }

  gauge<T extends string>(
    name: string,
    help: string,
    labels: LabelNames<T> | GaugeOptions<T> = [],
  ): Gauge<T> {
    const { labelNames = [], collect }: GaugeOptions<T> = isNames(labels) ? { labelNames: labels } : labels;
    this.refuseSharedFamily(name);
    return new Gauge<T>({
      name,
      help,
      labelNames,
      registers: [this.registry],
      ...(collect && {
        collect(this: Gauge<T>) {
          return collect(this);
        },
      }),
    });
  }

  histogram<T extends string>(
    name: string,
    help: string,
    labels: LabelNames<T> | HistogramOptions<T> = [],
  ): Histogram<T> {
    const { labelNames = [], buckets }: HistogramOptions<T> = isNames(labels)
      ? { labelNames: labels }
      : labels;
    this.refuseSharedFamily(name);
    return new Histogram<T>({
      name,
      help,
      labelNames,
      registers: [this.registry],
      ...(buckets && { buckets: [...buckets] }),
    });
  }

  async render(acceptHeader?: string): Promise<RenderedMetrics> {
    const format = acceptFormat(acceptHeader);
    const parts = await Promise.all(
      this.registry.getMetricsAsArray().map(async (entry) => {
        const metric = entry as unknown as Metric; // the typings say plain objects, it gives its metrics
        if (isSelfFormatting(metric)) return metric.format(format, this.commonLabels);
        const collected = await this.collect(metric);
        return collected ? formatMetric(collected, format, this.commonLabels) : '';
      }),
    );
    return {
      contentType: contentTypes[format],
      body: parts.join('') + (format === 'openmetrics' ? '# EOF\n' : ''),
    };
  }

  close(): void {
    this.stopProcessMetrics();
  }

  /** One metric that fails or hangs must not cost the scrape of all others. */
  private async collect(metric: Metric): Promise<ExposedMetric | undefined> {
    let timer: NodeJS.Timeout | undefined;
    try {
      const read = metric.get() as Promise<unknown> as Promise<ExposedMetric>;
      const late = new Promise<undefined>((resolve) => {
        timer = setTimeout(() => resolve(undefined), this.collectTimeoutMs);
      });
      const result = await Promise.race([read, late]);
      if (result === undefined) this.collectFailures.inc();
      return result;
    } catch {
      this.collectFailures.inc();
      return undefined;
    } finally {
      clearTimeout(timer);
    }
  }

  /** In OpenMetrics the family of `x_total` is `x`: a counter and another metric must not share it. */
  private refuseSharedFamily(name: string): void {
    const twin = name.endsWith('_total') ? name.slice(0, -'_total'.length) : `${name}_total`;
    if (this.registry.getSingleMetric(twin)) throw new TypeError(`${name} and ${twin} would be one family`);
  }
}

/** Makes the metrics of a process, with a registry of its own. */
export function createMetrics(options: MetricsOptions): Metrics {
  return new ServiceMetrics(options);
}
