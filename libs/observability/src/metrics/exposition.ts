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

export interface FamilyHead {
  name: string;
  help: string;
  type: string;
}

function escapeHelp(text: string, format: ExpositionFormat): string {
  const escaped = text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
  return format === 'openmetrics' ? escaped.replaceAll('"', '\\"') : escaped;
}

const NEEDS_ESCAPE = /["\\\n]/;

function escapeLabel(value: string): string {
  if (!NEEDS_ESCAPE.test(value)) return value;
  return value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"');
}

export function formatNumber(value: number): string {
  if (value === Infinity) return '+Inf';
  if (value === -Infinity) return '-Inf';
  return String(value);
}

/** OpenMetrics wants bounds as floats ("1.0"); the older text format is known by "1". */
export function formatBound(bound: string | number, format: ExpositionFormat): string {
  const text = String(bound);
  return format === 'openmetrics' && /^\d+$/.test(text) ? `${text}.0` : text;
}

export function formatLabels(labels: ExposedSample['labels'], format: ExpositionFormat): string {
  let text = '';
  for (const name in labels) {
    const value = labels[name];
    if (value === undefined) continue;
    const shown = name === 'le' ? formatBound(value, format) : escapeLabel(String(value));
    text += text === '' ? `${name}="${shown}"` : `,${name}="${shown}"`;
  }
  return text;
}

export function formatExemplar({
  labelSet,
  value,
  timestamp,
}: NonNullable<ExposedSample['exemplar']>): string {
  const at = timestamp === undefined ? '' : ` ${timestamp.toFixed(3)}`;
  return ` # {${formatLabels(labelSet, 'openmetrics')}} ${formatNumber(value)}${at}`;
}

/** The family that a metric is in: in OpenMetrics that of a counter has no `_total`. */
export function familyName({ name, type }: FamilyHead, format: ExpositionFormat): string {
  return format === 'openmetrics' && type === 'counter' ? name.replace(/_total$/, '') : name;
}

/** The two lines that begin a family. */
export function formatHead(metric: FamilyHead, format: ExpositionFormat): string {
  const family = familyName(metric, format);
  return `# HELP ${family} ${escapeHelp(metric.help, format)}\n# TYPE ${family} ${metric.type}\n`;
}

/** Writes one metric family; `common` are labels (already formatted) that each sample gets. */
export function formatMetric(metric: ExposedMetric, format: ExpositionFormat, common: string): string {
  const openMetrics = format === 'openmetrics';
  const sampleName =
    openMetrics && metric.type === 'counter' ? `${familyName(metric, format)}_total` : metric.name;
  let text = formatHead(metric, format);
  for (const { value, labels, metricName, exemplar } of metric.values) {
    const own = formatLabels(labels, format);
    const all = own === '' ? common : common === '' ? own : `${own},${common}`;
    text += `${metricName ?? sampleName}${all === '' ? '' : `{${all}}`} ${formatNumber(value)}`;
    text += openMetrics && exemplar ? `${formatExemplar(exemplar)}\n` : '\n';
  }
  return text;
}

/** A metric that writes its own text, because it has too many series for the way through samples. */
export interface SelfFormatting {
  format(format: ExpositionFormat, common: string): string;
}

export function isSelfFormatting(metric: object): metric is SelfFormatting {
  return 'format' in metric && typeof metric.format === 'function';
}

/** The labels that every sample of a process carries. */
export function formatCommonLabels(labels: Record<string, string>): string {
  return formatLabels(labels, 'prometheus');
}
