import { randomUUID } from 'node:crypto';
import { authCookies, csrfHeader, type RouteContract } from '@rostrum/contracts';
import type { Response } from 'undici';
import type { System } from '../system/system';

export interface Details {
  email: string;
  username: string;
  password: string;
}

export interface Tokens {
  accessToken: string;
  refreshToken: string;
  deviceToken: string;
}

/** How a client keeps what it is signed in by: in its own hands, or as browsers do. */
export type Mode = 'bearer' | 'cookie';

export const modes: readonly Mode[] = ['bearer', 'cookie'];

export interface Reply {
  status: number;
  json: any; // eslint-disable-line @typescript-eslint/no-explicit-any -- each test says what it expects
  response: Response;
}

type Surroundings = Pick<System, 'ask' | 'gateway'>;

export function newDetails(): Details {
  const username = `p${randomUUID().replaceAll('-', '').slice(0, 16)}`;
  return { username, email: `${username}@example.com`, password: `${randomUUID()} horse` };
}

/** Which routes have been answered as they should, by clients of which mode. */
const answered: Record<Mode, Set<string>> = { bearer: new Set(), cookie: new Set() };

/** Those of the routes that no client of this mode has been through so far. */
export function notYetCalled(routes: readonly RouteContract[], mode: Mode): string[] {
  const calls = [...answered[mode]].map((call) => call.split(' ') as [string, string]);
  return routes
    .filter(({ method, path }) => {
      const pattern = new RegExp(`^${path.replace(/:\w+/g, '[^/]+')}$`);
      return !calls.some(([verb, target]) => verb === method && pattern.test(target));
    })
    .map(({ operationId }) => operationId);
}

/** A client of the API, with a bearer token or with the cookies of a browser. */
export class Client {
  token: string | undefined;
  readonly cookies = new Map<string, string>();

  constructor(
    private readonly system: Surroundings,
    readonly mode: Mode = 'bearer',
  ) {}

  async call(method: string, path: string, body?: object, more: Record<string, string> = {}): Promise<Reply> {
    const response = await this.system.ask(path, {
      method,
      headers: { ...(body && { 'content-type': 'application/json' }), ...this.headers(), ...more },
      ...(body && { body: JSON.stringify(body) }),
    });
    this.keepCookies(response);
    const text = await response.text();
    if (response.ok) answered[this.mode].add(`${method.toLowerCase()} ${path.replace(/\?.*/, '')}`);
    return { status: response.status, json: text === '' ? undefined : JSON.parse(text), response };
  }

  /** Keeps what the answer to a sign-in has, where cookies have not done so already. */
  keep({ json }: Reply): void {
    if (this.mode === 'bearer') this.token = json.accessToken;
  }

  private headers(): Record<string, string> {
    if (this.token !== undefined) return { authorization: `Bearer ${this.token}` };
    if (this.cookies.size === 0) return {};
    return {
      cookie: [...this.cookies].map((pair) => pair.join('=')).join('; '),
      // As a browser without Sec-Fetch-Site says it: what the gateway is called from outside has to be what counts.
      origin: this.system.gateway.url,
      [csrfHeader]: this.cookies.get(authCookies.csrf) ?? '',
    };
  }

  private keepCookies({ headers }: Response): void {
    for (const line of headers.getSetCookie()) {
      const [pair = ''] = line.split(';');
      const at = pair.indexOf('=');
      if (/Max-Age=0(;|$)/.test(line)) this.cookies.delete(pair.slice(0, at));
      else this.cookies.set(pair.slice(0, at), pair.slice(at + 1));
    }
  }
}

export interface SignedIn {
  client: Client;
  tokens: Tokens;
}

/** The people of one system. */
export class People {
  constructor(private readonly system: Surroundings) {}

  client(mode?: Mode): Client {
    return new Client(this.system, mode);
  }

  async register(details = newDetails(), mode?: Mode): Promise<Details & { id: string }> {
    const { status, json } = await this.client(mode).call('POST', '/api/v1/auth/register', details);
    expect(status).toBe(201);
    return { ...details, id: json.user.id };
  }

  /** By the password alone. */
  async signIn({ username, password }: Omit<Details, 'email'>, mode: Mode = 'bearer'): Promise<SignedIn> {
    const client = this.client(mode);
    const body = { identifier: username, password };
    const reply = await client.call('POST', `/api/v1/auth/login?mode=${mode}`, body);
    expect([reply.status, reply.json.mfaRequired]).toEqual([200, undefined]);
    client.keep(reply);
    return { client, tokens: reply.json };
  }

  /** Whether posts, which has never heard of the session but by its token, lets it in. */
  async mayRead(caller: Client): Promise<boolean> {
    return (await caller.call('GET', '/api/v1/feed')).status === 200;
  }
}
