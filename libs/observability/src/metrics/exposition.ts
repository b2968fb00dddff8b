/** One sample as prom-client's metrics give it. */
export interface ExposedSample {
  value: number;
  labels?: Partial<Record<string, string | number>>;
  metricName?: string;
  exemplar?: { labelSet: Partial<Record<string, string | number>>; value: number; timestamp?: number } | null;
}

/** One metric as prom-client's `get()` gives it; at run time the type is a word, whatever its typings say. */
export interface ExposedMetric {
  name: string;
  help: string;
  type: string;
  values: readonly ExposedSample[];
}

export type ExpositionFormat = 'prometheus' | 'openmetrics';

export const contentTypes: Record<ExpositionFormat, string> = {
  prometheus: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
};

function escapeHelp(text: string, format: ExpositionFormat): string {
  const escaped = text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
  return format === 'openmetrics' ? escaped.replaceAll('"', '\\"') : escaped;
}

const NEEDS_ESCAPE = /["\\\n]/;

function escapeLabel(value: string): string {
  if (!NEEDS_ESCAPE.test(value)) return value;
  return value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"');
}

function formatNumber(value: number): string {
  if (value === Infinity) return '+Inf';
  if (value === -Infinity) return '-Inf';
  return String(value);
}

/** OpenMetrics wants bounds as floats ("1.0"); the older text format is known by "1". */
function formatBound(bound: string | number, format: ExpositionFormat): string {
  const text = String(bound);
  return format === 'openmetrics' && /^\d+$/.test(text) ? `${text}.0` : text;
}

function formatLabels(labels: ExposedSample['labels'], format: ExpositionFormat): string {
  let text = '';
  for (const name in labels) {
    const value = labels[name];
    if (value === undefined) continue;
    const shown = name === 'le' ? formatBound(value, format) : escapeLabel(String(value));
    text += text === '' ? `${name}="${shown}"` : `,${name}="${shown}"`;
  }
  return text;
}

function formatExemplar({ labelSet, value, timestamp }: NonNullable<ExposedSample['exemplar']>): string {
  const at = timestamp === undefined ? '' : ` ${timestamp.toFixed(3)}`;
  return ` # {${formatLabels(labelSet, 'openmetrics')}} ${formatNumber(value)}${at}`;
}

/** Writes one metric family; `common` are labels (already formatted) that each sample gets. */
export function formatMetric(metric: ExposedMetric, format: ExpositionFormat, common: string): string {
  const openMetrics = format === 'openmetrics';
  const isCounter = metric.type === 'counter';
  const family = openMetrics && isCounter ? metric.name.replace(/_total$/, '') : metric.name;
  const sampleName = openMetrics && isCounter ? `${family}_total` : metric.name;
  let text = `# HELP ${family} ${escapeHelp(metric.help, format)}\n# TYPE ${family} ${metric.type}\n`;
  for (const { value, labels, metricName, exemplar } of metric.values) {
    const own = formatLabels(labels, format);
    const all = own === '' ? common : common === '' ? own : `${own},${common}`;
    text += `${metricName ?? sampleName}${all === '' ? '' : `{${all}}`} ${formatNumber(value)}`;
    text += openMetrics && exemplar ? `${formatExemplar(exemplar)}\n` : '\n';
  }
  return text;
}

/** The labels that every sample of a process carries. */
export function formatCommonLabels(labels: Record<string, string>): string {
  return formatLabels(labels, 'prometheus');
}
