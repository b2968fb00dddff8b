const hostPattern = /^(\*\.)?([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}$/;

/** A host, all hosts below one, or an origin. */
export function isPushService(text: string): boolean {
  return hostPattern.test(text) || isOrigin(text);
}

function isOrigin(text: string): boolean {
  return /^https?:$/.test(URL.parse(text)?.protocol ?? '') && new URL(text).origin === text;
}

export interface PushServiceEntry {
  /** As the settings have it. */
  name: string;
  /** To be reached at public addresses alone, whatever its name stands for when we ask. */
  isPublic: boolean;
}

/**
 * Where pushes may go. An endpoint is an address that anybody may hand us, and that we would then send requests to from
 * inside: it must be a push service that we know.
 */
export class PushServices {
  private readonly origins: ReadonlySet<string>;
  private readonly hosts: ReadonlySet<string>;
  private readonly suffixes: readonly string[];

  constructor(services: readonly string[]) {
    this.origins = new Set(services.filter(isOrigin));
    this.hosts = new Set(services.filter((service) => !isOrigin(service) && !service.startsWith('*')));
    this.suffixes = services.flatMap((service) => (service.startsWith('*.') ? [service.slice(1)] : []));
  }

  /** Whose endpoint it is; nobody's that we would send anything to: undefined. */
  find(endpoint: string): PushServiceEntry | undefined {
    const url = URL.parse(endpoint);
    if (!url || url.username !== '' || url.password !== '' || url.hash !== '') return undefined;
    const { origin, protocol, port, hostname } = url;
    if (this.origins.has(origin)) return { name: origin, isPublic: false };
    if (protocol !== 'https:' || port !== '') return undefined;
    if (this.hosts.has(hostname)) return { name: hostname, isPublic: true };
    const suffix = this.suffixes.find((ending) => hostname.endsWith(ending));
    return suffix === undefined ? undefined : { name: `*${suffix}`, isPublic: true };
  }
}
