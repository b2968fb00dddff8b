import { userAgentFamily } from '@rostrum/service-kit';

/** The first that fits: browsers call themselves by the names of others too. */
const browsers: readonly [name: string, pattern: RegExp][] = [
  ['Edge', /\bEdgA?(?:iOS)?\//],
  ['Opera', /\bOPR\//],
  ['Samsung Internet', /\bSamsungBrowser\//],
  ['Firefox', /\b(?:Firefox|FxiOS)\//],
  ['Chrome', /\b(?:Chrome|CriOS|HeadlessChrome)\//],
  ['Safari', /\bSafari\//],
];

const systems: readonly [name: string, pattern: RegExp][] = [
  ['iPhone', /\biPhone\b/],
  ['iPad', /\biPad\b/],
  ['Android', /\bAndroid\b/],
  ['Windows', /\bWindows\b/],
  ['macOS', /\bMac OS X\b/],
  ['Linux', /\bLinux\b/],
];

const longestUserAgent = 512;

/** What a person knows their device by, such as `Firefox on Linux`; never the header itself, which is free text. */
export function describeClient(userAgent: string | undefined): string | null {
  if (userAgent === undefined || userAgent.length > longestUserAgent) return null;
  const browser = firstOf(browsers, userAgent);
  const system = firstOf(systems, userAgent);
  if (browser && system) return `${browser} on ${system}`;
  return browser ?? system ?? userAgentFamily(userAgent) ?? null;
}

function firstOf(table: readonly [name: string, pattern: RegExp][], userAgent: string): string | undefined {
  return table.find(([, pattern]) => pattern.test(userAgent))?.[0];
}
