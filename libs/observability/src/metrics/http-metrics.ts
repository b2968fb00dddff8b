import { Counter, Histogram, type Registry } from 'prom-client';
import {
  formatBound,
  formatExemplar,
  formatHead,
  formatLabels,
  formatNumber,
  type ExpositionFormat,
  type SelfFormatting,
} from './exposition';
import { durationBounds, type Exemplar, type HttpSeries, type HttpSeriesStore } from './http-series';

const labelNames = ['method', 'route', 'status'] as const;
type HttpLabel = (typeof labelNames)[number];
type HttpHistogram = Histogram<HttpLabel>;

const DURATION = {
  name: 'http_request_duration_seconds',
  help: 'Time from the arrival of a request to the end of its response.',
};
const REQUESTS = { name: 'http_requests_total', help: 'Requests answered.' };

interface PromSample {
  value: number;
  labels: Partial<Record<HttpLabel | 'le', string | number>>;
  metricName?: string;
  exemplar?: ReturnType<typeof promExemplar>;
}

const labelsOf = ({ method, route, status }: HttpSeries) => ({ method, route, status });

const promExemplar = ({ traceId, seconds, at }: Exemplar) => ({
  labelSet: { trace_id: traceId },
  value: seconds,
  timestamp: at / 1000,
});

function* durationSamples(series: HttpSeries): Generator<PromSample> {
  const { name } = DURATION;
  const labels = labelsOf(series);
  let cumulated = 0;
  for (let bucket = 0; bucket <= durationBounds.length; bucket++) {
    cumulated += series.counts[bucket] ?? 0;
    const exemplar = series.exemplars[bucket];
    yield {
      metricName: `${name}_bucket`,
      labels: { le: durationBounds[bucket] ?? '+Inf', ...labels },
      value: cumulated,
      ...(exemplar && { exemplar: promExemplar(exemplar) }),
    };
  }
  yield { metricName: `${name}_sum`, labels, value: series.sum };
  yield { metricName: `${name}_count`, labels, value: series.total };
}

/** Labels do not change: their text is made once for each series. */
const labelTexts = new WeakMap<HttpSeries, string>();

function labelText(series: HttpSeries): string {
  let text = labelTexts.get(series);
  if (text === undefined) {
    text = formatLabels(labelsOf(series), 'prometheus');
    labelTexts.set(series, text);
  }
  return text;
}

function bucketStarts(format: ExpositionFormat): string[] {
  return [...durationBounds, '+Inf'].map(
    (bound) => `${DURATION.name}_bucket{le="${formatBound(bound, format)}",`,
  );
}

const starts: Record<ExpositionFormat, string[]> = {
  prometheus: bucketStarts('prometheus'),
  openmetrics: bucketStarts('openmetrics'),
};

function durationText(series: HttpSeries, format: ExpositionFormat, common: string): string {
  const labels = `${labelText(series)},${common}} `;
  let text = '';
  let cumulated = 0;
  starts[format].forEach((start, bucket) => {
    cumulated += series.counts[bucket] ?? 0;
    const exemplar = format === 'openmetrics' ? series.exemplars[bucket] : undefined;
    text +=
      start + labels + String(cumulated) + (exemplar ? formatExemplar(promExemplar(exemplar)) : '') + '\n';
  });
  text += `${DURATION.name}_sum{${labels}${formatNumber(series.sum)}\n`;
  return `${text}${DURATION.name}_count{${labels}${series.total}\n`;
}

/** Shows the store to prom-client as its histogram: whoever reads the registry sees an ordinary metric. */
export class HttpDurationHistogram extends Histogram<HttpLabel> implements SelfFormatting {
  constructor(
    private readonly store: HttpSeriesStore,
    register: Registry,
  ) {
    super({ ...DURATION, labelNames, buckets: [...durationBounds], registers: [register] });
  }

  override get(): ReturnType<HttpHistogram['get']> {
    const values = this.store.all.flatMap((series) => [...durationSamples(series)]);
    // At run time prom-client's types of metrics are words; the enumeration of its typings does not exist.
    const metric = { ...DURATION, type: 'histogram', aggregator: 'sum', values } as unknown;
    return Promise.resolve(metric as Awaited<ReturnType<HttpHistogram['get']>>);
  }

  /** The form in which prom-client's own renderer asks a histogram. */
  getForPromString(): ReturnType<HttpHistogram['get']> {
    return this.get();
  }

  format(format: ExpositionFormat, common: string): string {
    let text = formatHead({ ...DURATION, type: 'histogram' }, format);
    for (const series of this.store.all) text += durationText(series, format, common);
    return text;
  }

  override reset(): void {
    super.reset();
    // prom-client calls reset from its constructor, when there is no store yet.
    (this.store as HttpSeriesStore | undefined)?.clear();
  }
}

/** Likewise the counter, from the same series. */
export class HttpRequestsCounter extends Counter<HttpLabel> implements SelfFormatting {
  constructor(
    private readonly store: HttpSeriesStore,
    register: Registry,
  ) {
    super({ ...REQUESTS, labelNames, registers: [register] });
  }

  override async get(): ReturnType<Counter<HttpLabel>['get']> {
    const metric = await super.get();
    return {
      ...metric,
      values: this.store.all.map((series) => ({ labels: labelsOf(series), value: series.total })),
    };
  }

  format(format: ExpositionFormat, common: string): string {
    let text = formatHead({ ...REQUESTS, type: 'counter' }, format);
    for (const series of this.store.all)
      text += `${REQUESTS.name}{${labelText(series)},${common}} ${series.total}\n`;
    return text;
  }
}
