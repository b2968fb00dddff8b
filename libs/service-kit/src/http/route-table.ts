/** What a path was found to be: the route, and the decoded values of its parameters. */
export interface RouteMatch<Route> {
  route: Route;
  params: Record<string, string>;
}

interface Pattern<Route> {
  route: Route;
  /** The literal of each segment, or undefined where a parameter stands. */
  literals: readonly (string | undefined)[];
  names: readonly string[];
}

const noParams: Record<string, string> = Object.freeze({});

/**
 * Finds a route by method and path without regular expressions. It is sure of what it finds and of nothing else:
 * whatever it does not know (another method, a trailing slash, an escape that cannot be decoded) is left to Express.
 */
export class RouteTable<Route> {
  private readonly fixed = new Map<string, Route>();
  /** By method and number of segments, in the order in which they were added. */
  private readonly patterns = new Map<string, Pattern<Route>[]>();

  add(method: string, path: string, route: Route): void {
    const segments = path.slice(1).split('/');
    if (!segments.some((segment) => segment.startsWith(':'))) {
      this.fixed.set(`${method} ${path}`, route);
      return;
    }
    const key = `${method} ${segments.length}`;
    const pattern = {
      route,
      literals: segments.map((segment) => (segment.startsWith(':') ? undefined : segment)),
      names: segments.filter((segment) => segment.startsWith(':')).map((segment) => segment.slice(1)),
    };
    this.patterns.set(key, [...(this.patterns.get(key) ?? []), pattern]);
  }

  /** `url` as a request has it: the path and perhaps a query. */
  find(method: string, url: string): RouteMatch<Route> | undefined {
    const queryAt = url.indexOf('?');
    const path = queryAt === -1 ? url : url.slice(0, queryAt);
    const route = this.fixed.get(`${method} ${path}`);
    if (route !== undefined) return { route, params: noParams };
    const segments = path.slice(1).split('/');
    const candidates = this.patterns.get(`${method} ${segments.length}`);
    if (candidates === undefined) return undefined;
    for (const pattern of candidates) {
      const params = parametersOf(pattern, segments);
      if (params !== undefined) return { route: pattern.route, params };
    }
    return undefined;
  }
}

function parametersOf<Route>(
  { literals, names }: Pattern<Route>,
  segments: readonly string[],
): Record<string, string> | undefined {
  const params: Record<string, string> = {};
  let next = 0;
  for (let i = 0; i < literals.length; i += 1) {
    const segment = segments[i] as string;
    if (literals[i] !== undefined) {
      if (literals[i] !== segment) return undefined;
      continue;
    }
    // Express decodes, and refuses what cannot be decoded; it does so here too.
    if (segment === '' || segment.includes('%')) return undefined;
    params[names[next] as string] = segment;
    next += 1;
  }
  return params;
}
