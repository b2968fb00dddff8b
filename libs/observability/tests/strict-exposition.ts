/** A parser of the two text formats that refuses what their specifications refuse. For tests only. */
export interface ParsedSample {
  name: string;
  labels: Record<string, string>;
  value: number;
  exemplar?: { labels: Record<string, string>; value: number; timestamp: number };
}

export interface ParsedFamily {
  name: string;
  type: string;
  help: string;
  samples: ParsedSample[];
}

type Format = 'prometheus' | 'openmetrics';

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*';
const LABELS = '\\{((?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\\\\n]|\\\\["\\\\n])*",?)*)\\}';
const NUMBER = '(?:[+-]?\\d+(?:\\.\\d+)?(?:e[+-]?\\d+)?|[+-]Inf|NaN)';
const SAMPLE = new RegExp(
  `^(${NAME})(?:${LABELS})? (${NUMBER})(?: # ${LABELS} (${NUMBER}) (\\d+\\.\\d{3}))?$`,
);
const META = new RegExp(`^# (HELP|TYPE) (${NAME}) (.*)$`);

const suffixes: Record<string, Record<Format, string[]>> = {
  counter: { prometheus: [''], openmetrics: ['_total'] },
  gauge: { prometheus: [''], openmetrics: [''] },
  histogram: { prometheus: ['_bucket', '_sum', '_count'], openmetrics: ['_bucket', '_sum', '_count'] },
};

function number(text: string): number {
  return text === '+Inf' ? Infinity : text === '-Inf' ? -Infinity : Number(text);
}

function labelsOf(text: string | undefined): Record<string, string> {
  const labels: Record<string, string> = {};
  for (const [, name = '', value = ''] of (text ?? '').matchAll(/([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g)) {
    if (name in labels) throw new Error(`Label ${name} occurs twice`);
    labels[name] = value.replace(/\\(.)/g, (_, c: string) => (c === 'n' ? '\n' : c));
  }
  return labels;
}

function parseSample(line: string): ParsedSample {
  const match = SAMPLE.exec(line);
  if (!match) throw new Error(`Not a sample: ${line}`);
  const [, name = '', labels, value = '', exemplarLabels, exemplarValue = '', timestamp] = match;
  const sample: ParsedSample = { name, labels: labelsOf(labels), value: number(value) };
  if (exemplarLabels === undefined) return sample;
  return {
    ...sample,
    exemplar: {
      labels: labelsOf(exemplarLabels),
      value: number(exemplarValue),
      timestamp: Number(timestamp),
    },
  };
}

class Parser {
  readonly families = new Map<string, ParsedFamily>();
  private readonly seen = new Set<string>();
  private current: ParsedFamily | undefined;

  constructor(private readonly format: Format) {}

  line(line: string): void {
    const meta = META.exec(line);
    if (!meta) return this.sample(parseSample(line));
    const [, keyword, name = '', text = ''] = meta;
    if (this.current?.name !== name) {
      if (this.families.has(name)) throw new Error(`Family ${name} occurs twice`);
      this.current = { name, type: '', help: '', samples: [] };
      this.families.set(name, this.current);
    }
    if (this.current.samples.length > 0) throw new Error(`Metadata of ${name} after its samples`);
    if (keyword === 'TYPE') this.current.type = text;
    else this.current.help = text;
  }

  private sample(sample: ParsedSample): void {
    const family = this.current;
    if (!family?.type || !family.help) throw new Error(`Sample ${sample.name} before its metadata`);
    const allowed = suffixes[family.type]?.[this.format].map((suffix) => family.name + suffix);
    if (!allowed?.includes(sample.name)) throw new Error(`${sample.name} does not belong to ${family.name}`);
    const key = `${sample.name} ${JSON.stringify(Object.entries(sample.labels).sort())}`;
    if (this.seen.has(key)) throw new Error(`Series ${key} occurs twice`);
    this.seen.add(key);
    if (sample.exemplar) this.exemplar(sample);
    family.samples.push(sample);
  }

  private exemplar({ name, labels, exemplar }: ParsedSample): void {
    if (this.format !== 'openmetrics' || !name.endsWith('_bucket'))
      throw new Error(`No exemplar may be at ${name}`);
    if (exemplar && exemplar.value > number(labels.le ?? ''))
      throw new Error(`The exemplar is not in its bucket`);
    if (JSON.stringify(exemplar?.labels).length > 128) throw new Error('The exemplar is too long');
  }

  finish(): ParsedFamily[] {
    for (const family of this.families.values())
      if (family.type === 'histogram') checkHistogram(family, this.format);
    return [...this.families.values()];
  }
}

/** Buckets grow, end in +Inf, and that is the count. */
function checkHistogram({ name, samples }: ParsedFamily, format: Format): void {
  const series = new Map<string, ParsedSample[]>();
  for (const sample of samples) {
    const rest = Object.entries(sample.labels).filter(([label]) => label !== 'le');
    const key = JSON.stringify(rest.sort());
    series.set(key, [...(series.get(key) ?? []), sample]);
  }
  for (const [key, all] of series) {
    const buckets = all.filter((sample) => sample.name.endsWith('_bucket'));
    const bounds = buckets.map(({ labels }) => labels.le ?? '');
    if (format === 'openmetrics' && bounds.some((le) => le !== '+Inf' && !le.includes('.')))
      throw new Error(`${name}: a bound is no float: ${bounds.join()}`);
    for (let at = 1; at < buckets.length; at++) {
      if (!(number(bounds[at] ?? '') > number(bounds[at - 1] ?? '')))
        throw new Error(`${name}: bounds do not grow`);
      if ((buckets[at]?.value ?? 0) < (buckets[at - 1]?.value ?? 0))
        throw new Error(`${name}: counts fall ${key}`);
    }
    const count = all.find((sample) => sample.name.endsWith('_count'))?.value;
    if (bounds.at(-1) !== '+Inf' || buckets.at(-1)?.value !== count)
      throw new Error(`${name}: count is not +Inf ${key}`);
    if (!all.some((sample) => sample.name.endsWith('_sum'))) throw new Error(`${name}: no sum ${key}`);
  }
}

export function parseExposition(text: string, format: Format): ParsedFamily[] {
  if (!text.endsWith('\n')) throw new Error('The last line has no end');
  const lines = text.slice(0, -1).split('\n');
  if (format === 'openmetrics' && lines.pop() !== '# EOF') throw new Error('It does not end in # EOF');
  const parser = new Parser(format);
  for (const line of lines) if (line !== '' || format === 'openmetrics') parser.line(line);
  return parser.finish();
}
