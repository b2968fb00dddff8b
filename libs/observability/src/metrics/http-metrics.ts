import { Counter, Histogram, type Registry } from 'prom-client';
import { durationBounds, type HttpSeries, type HttpSeriesStore } from './http-series';

const labelNames = ['method', 'route', 'status'] as const;
type Label = (typeof labelNames)[number] | 'le';

interface PromSample {
  value: number;
  labels: Partial<Record<Label, string | number>>;
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
export class HttpDurationHistogram extends Histogram<(typeof labelNames)[number]> {
  constructor(
    private readonly store: HttpSeriesStore,
    register: Registry,
  ) {
    super({
      name: 'http_request_duration_seconds',
      help: 'Time from the arrival of a request to the end of its response.',
      labelNames,
      buckets: [...durationBounds],
      registers: [register],
    });
  }

  override async get(): ReturnType<Histogram<(typeof labelNames)[number]>['get']> {
    const metric = await super.get();
    const values = this.store.all.flatMap((series) => [
      ...durationSamples('http_request_duration_seconds', series),
    ]);
    return { ...metric, values };
  }

  getForPromString(): ReturnType<this['get']> {
    return this.get() as ReturnType<this['get']>;
  }

  override reset(): void {
    super.reset();
    // prom-client calls reset from its constructor, when there is no store yet.
    (this.store as HttpSeriesStore | undefined)?.clear();
  }
}

/** Likewise the counter, from the same series. */
export class HttpRequestsCounter extends Counter<(typeof labelNames)[number]> {
  constructor(
    private readonly store: HttpSeriesStore,
    register: Registry,
  ) {
    super({ name: 'http_requests_total', help: 'Requests answered.', labelNames, registers: [register] });
  }

  override async get(): ReturnType<Counter<(typeof labelNames)[number]>['get']> {
    const metric = await super.get();
    return {
      ...metric,
      values: this.store.all.map((series) => ({ labels: labelsOf(series), value: series.total })),
    };
  }
}
