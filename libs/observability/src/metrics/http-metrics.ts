import { Counter, Histogram, type Registry } from 'prom-client';
import { durationBounds, type HttpSeries, type HttpSeriesStore } from './http-series';

const labelNames = ['method', 'route', 'status'] as const;
type HttpLabel = (typeof labelNames)[number];
type HttpHistogram = Histogram<HttpLabel>;

const DURATION = {
  name: 'http_request_duration_seconds',
  help: 'Time from the arrival of a request to the end of its response.',
};

interface PromSample {
  value: number;
  labels: Partial<Record<HttpLabel | 'le', string | number>>;
  metricName?: string;
  exemplar?: { labelSet: { trace_id: string }; value: number; timestamp: number };
}

const labelsOf = ({ method, route, status }: HttpSeries) => ({ method, route, status });

function* durationSamples(name: string, series: HttpSeries): Generator<PromSample> {
  const labels = labelsOf(series);
  let cumulated = 0;
  for (let bucket = 0; bucket <= durationBounds.length; bucket++) {
    cumulated += series.counts[bucket] ?? 0;
    const exemplar = series.exemplars[bucket];
    yield {
      metricName: `${name}_bucket`,
      labels: { le: durationBounds[bucket] ?? '+Inf', ...labels },
      value: cumulated,
      ...(exemplar && {
        exemplar: {
          labelSet: { trace_id: exemplar.traceId },
          value: exemplar.seconds,
          timestamp: exemplar.at / 1000,
        },
      }),
    };
  }
  yield { metricName: `${name}_sum`, labels, value: series.sum };
  yield { metricName: `${name}_count`, labels, value: series.total };
}

/** Shows the store to prom-client as its histogram: whoever reads the registry sees an ordinary metric. */
export class HttpDurationHistogram extends Histogram<HttpLabel> {
  constructor(
    private readonly store: HttpSeriesStore,
    register: Registry,
  ) {
    super({
      ...DURATION,
      labelNames,
      buckets: [...durationBounds],
      registers: [register],
    });
  }

  override get(): ReturnType<HttpHistogram['get']> {
    const { name, help } = DURATION;
    const values = this.store.all.flatMap((series) => [...durationSamples(name, series)]);
    // At run time prom-client's types of metrics are words, and what its typings call an enumeration does not exist.
    const metric = { name, help, type: 'histogram', aggregator: 'sum', values } as unknown;
    return Promise.resolve(metric as Awaited<ReturnType<HttpHistogram['get']>>);
  }

  /** The form in which prom-client's own renderer asks a histogram. */
  getForPromString(): ReturnType<HttpHistogram['get']> {
    return this.get();
  }

  override reset(): void {
    super.reset();
    // prom-client calls reset from its constructor, when there is no store yet.
    (this.store as HttpSeriesStore | undefined)?.clear();
  }
}

/** Likewise the counter, from the same series. */
export class HttpRequestsCounter extends Counter<HttpLabel> {
  constructor(
    private readonly store: HttpSeriesStore,
    register: Registry,
  ) {
    super({ name: 'http_requests_total', help: 'Requests answered.', labelNames, registers: [register] });
  }

  override async get(): ReturnType<Counter<HttpLabel>['get']> {
    const metric = await super.get();
    return {
      ...metric,
      values: this.store.all.map((series) => ({ labels: labelsOf(series), value: series.total })),
    };
  }
}
