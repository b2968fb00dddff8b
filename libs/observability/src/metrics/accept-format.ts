import type { ExpositionFormat } from './exposition';

interface Preference {
  format: ExpositionFormat;
  quality: number;
}

const OPENMETRICS_VERSIONS = new Set([undefined, '1.0.0', '0.0.1']);

function readPreference(range: string): Preference | undefined {
  const [type = '', ...rest] = range.split(';').map((part) => part.trim().toLowerCase());
  const parameters = new Map(
    rest.map((part) => part.split('=', 2).map((half) => half.trim()) as [string, string]),
  );
  const quality = parameters.has('q') ? Number(parameters.get('q')) : 1;
  if (!(quality > 0)) return undefined;
  if (type === 'application/openmetrics-text')
    return OPENMETRICS_VERSIONS.has(parameters.get('version'))
      ? { format: 'openmetrics', quality }
      : undefined;
  return type === 'text/plain' || type === 'text/*' || type === '*/*'
    ? { format: 'prometheus', quality }
    : undefined;
}

/** Which text a scraper prefers, by its Accept header; without a clear wish it is the Prometheus text. */
export function acceptFormat(accept: string | undefined): ExpositionFormat {
  let best: Preference = { format: 'prometheus', quality: 0 };
  for (const range of (accept ?? '').split(',')) {
    const preference = readPreference(range);
    if (preference && preference.quality > best.quality) best = preference;
  }
  return best.format;
}
