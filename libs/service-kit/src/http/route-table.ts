/** What a path was found to be: the route, and the decoded values of its parameters. */
export interface RouteMatch<Route> {
  route: Route;
  params: Record<string, string>;
}

interface Pattern<Route> {
  route: Route;
  /** What the path begins with, up to the first parameter. */
  start: string;
  /** The literal of each segment after `start`, or undefined where a parameter stands. */
  literals: readonly (string | undefined)[];
  names: readonly string[];
}

interface MethodRoutes<Route> {
  fixed: Map<string, Route>;
  /** In the order in which they were added. */
  patterns: Pattern<Route>[];
}

const noParams: Record<string, string> = Object.freeze({});

/**
 * Finds a route by method and path without regular expressions. It is sure of what it finds and of nothing else:
 * whatever it does not know (another method, a trailing slash, an escape that cannot be decoded) is left to Express.
 */
export class RouteTable<Route> {
  private readonly byMethod = new Map<string, MethodRoutes<Route>>();

  add(method: string, path: string, route: Route): void {
    const routes: MethodRoutes<Route> = this.byMethod.get(method) ?? { fixed: new Map(), patterns: [] };
    this.byMethod.set(method, routes);
    const firstParameter = path.indexOf('/:') + 1;
    if (firstParameter === 0) {
      routes.fixed.set(path, route);
      return;
    }
    const segments = path.slice(firstParameter).split('/');
    routes.patterns.push({
      route,
      start: path.slice(0, firstParameter),
      literals: segments.map((segment) => (segment.startsWith(':') ? undefined : segment)),
      names: segments.filter((segment) => segment.startsWith(':')).map((segment) => segment.slice(1)),
    });
  }

  /** `url` as a request has it: the path and perhaps a query. */
  find(method: string, url: string): RouteMatch<Route> | undefined {
    const routes = this.byMethod.get(method);
    if (routes === undefined) return undefined;
    const queryAt = url.indexOf('?');
    const path = queryAt === -1 ? url : url.slice(0, queryAt);
    const route = routes.fixed.get(path);
    if (route !== undefined) return { route, params: noParams };
    for (const pattern of routes.patterns) {
      if (!path.startsWith(pattern.start)) continue;
      const params = parametersOf(pattern, path);
      if (params !== undefined) return { route: pattern.route, params };
    }
    return undefined;
  }
}

function parametersOf<Route>(
  { start, literals, names }: Pattern<Route>,
  path: string,
): Record<string, string> | undefined {
  const params: Record<string, string> = {};
  let from = start.length;
  let next = 0;
  for (let i = 0; i < literals.length; i += 1) {
    const slash = path.indexOf('/', from);
    const isLast = i === literals.length - 1;
    if (isLast !== (slash === -1)) return undefined;
    const segment = isLast ? path.slice(from) : path.slice(from, slash);
    from = slash + 1;
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
