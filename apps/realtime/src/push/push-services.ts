const hostPattern = /^(\*\.)?([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}$/;

/** A host, all hosts below one, or an origin. */
export function isPushService(text: string): boolean {
  return hostPattern.test(text) || isOrigin(text);
}

function isOrigin(text: string): boolean {
  return /^https?:$/.test(URL.parse(text)?.protocol ?? '') && new URL(text).origin === text;
}

export type Admission = 'public' | 'trusted' | 'refused';

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

  /** `public`: to be reached at public addresses alone, whatever its name stands for when we ask. */
  admission(endpoint: string): Admission {
    const url = URL.parse(endpoint);
    if (!url || url.username !== '' || url.password !== '' || url.hash !== '') return 'refused';
    if (this.origins.has(url.origin)) return 'trusted';
    const { protocol, port, hostname } = url;
    const known = this.hosts.has(hostname) || this.suffixes.some((suffix) => hostname.endsWith(suffix));
    return protocol === 'https:' && port === '' && known ? 'public' : 'refused';
  }
}
