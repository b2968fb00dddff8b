import type { Metrics, RostrumLogger, Tracing } from '@rostrum/observability';

/** Tells of telemetry that was lost: what is not in the logs and traces can be seen here alone. */
export function measureTelemetry(metrics: Metrics, logger: RostrumLogger, tracing: Tracing): void {
  const lines = metrics.counter(
    'log_lines_dropped_total',
    'Log lines lost because the output was gone or could not keep up',
  );
  countAtScrape(lines, () => lines.inc(logger.droppedLines()));
  const spans = metrics.counter('tracing_spans_total', 'Spans, by what became of them', ['outcome']);
  countAtScrape(spans, () => {
    const { endedSpans, exportedSpans, failedSpans } = tracing.stats();
    spans.inc({ outcome: 'ended' }, endedSpans);
    spans.inc({ outcome: 'exported' }, exportedSpans);
    spans.inc({ outcome: 'failed' }, failedSpans);
  });
}

/** What is counted elsewhere is read when somebody asks. */
function countAtScrape(counter: ReturnType<Metrics['counter']>, read: () => void): void {
  const collect = () => {
    counter.reset();
    read();
  };
  Object.assign(counter, { collect });
}
