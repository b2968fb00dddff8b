import { randomUUID } from 'node:crypto';
import { authCookies, csrfHeader } from '@rostrum/contracts';
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

export function newDetails(): Details {
  const username = `p${randomUUID().replaceAll('-', '').slice(0, 16)}`;
  return { username, email: `${username}@example.com`, password: `${randomUUID()} horse` };
}

/** A client of the API, with a bearer token or with the cookies of a browser. */
export class Client {
  token: string | undefined;
  readonly cookies = new Map<string, string>();

  constructor(private readonly system: Pick<System, 'ask' | 'gateway'>) {}

  async call(
    method: string,
    path: string,
    body?: object,
  ): Promise<{
    status: number;
    json: any; // eslint-disable-line @typescript-eslint/no-explicit-any -- each test says what it expects
    response: Response;
  }> {
    const response = await this.system.ask(path, {
      method,
      headers: { ...(body && { 'content-type': 'application/json' }), ...this.headers() },
      ...(body && { body: JSON.stringify(body) }),
    });
    this.keepCookies(response);
    const text = await response.text();
    return { status: response.status, json: text === '' ? undefined : JSON.parse(text), response };
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
