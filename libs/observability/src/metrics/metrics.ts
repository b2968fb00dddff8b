import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

/** Fits the alerts on 95 % < 200 ms and < 500 ms: both are bounds. */
const HTTP_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.35, 0.5, 1, 2.5, 5, 10];

export interface MetricsOptions {
  service: string;
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
  buckets?: readonly number[];
}

/** The metrics of one process. */
export interface Metrics {
  readonly registry: Registry;
  /** Counts one exchange; the hot path. */
  httpRequest(method: string, route: string, status: number, seconds: number, exemplarTraceId?: string): void;
  /** Makes the series of a route exist at zero. */
  primeRoute(method: string, route: string): void;
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
  /** Renders the text that the Accept header prefers: Prometheus or OpenMetrics with exemplars. */
  render(acceptHeader?: string): Promise<RenderedMetrics>;
  close(): void;
}

/** Makes the metrics of a process, with a registry of its own. */
export function createMetrics({ service }: MetricsOptions): Metrics {
  const registry = new Registry();
  registry.setDefaultLabels({ service });
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const labelNames = ['method', 'route', 'status'] as const;
  const duration = new Histogram({
    name: 'http_request_duration_seconds',
    help: 'Time from the request to the end of its response.',
    labelNames,
    buckets: HTTP_BUCKETS,
    registers,
  });
  const total = new Counter({
    name: 'http_requests_total',
    help: 'Requests answered.',
    labelNames,
    registers,
  });
  return {
    registry,
    httpRequest(method, route, status, seconds) {
      const labels = { method, route, status: String(status) };
      duration.observe(labels, seconds);
      total.inc(labels);
    },
    primeRoute(method, route) {
      total.inc({ method, route, status: '200' }, 0);
      duration.zero({ method, route, status: '200' });
    },
    counter: (name, help, labels) => new Counter({ name, help, labelNames: labels ?? [], registers }),
    gauge(name, help, labels) {
      const { labelNames = [], collect } = asOptions(labels);
      return new Gauge({
        name,
        help,
        labelNames,
        registers,
        ...(collect && {
          collect() {
            return collect(this);
          },
        }),
      });
    },
    histogram(name, help, labels) {
      const { labelNames = [], buckets } = asOptions(labels);
      return new Histogram({ name, help, labelNames, registers, ...(buckets && { buckets: [...buckets] }) });
    },
    render: async () => ({ contentType: registry.contentType, body: await registry.metrics() }),
    close: () => registry.clear(),
  };
}

function asOptions<O extends object, T extends string>(
  labels: LabelNames<T> | O | undefined,
): Partial<O> & { labelNames?: LabelNames<T> } {
  if (labels === undefined) return {} as Partial<O>;
  return Array.isArray(labels)
    ? ({ labelNames: labels } as Partial<O> & { labelNames: LabelNames<T> })
    : (labels as O);
}
