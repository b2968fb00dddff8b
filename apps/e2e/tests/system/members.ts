import { randomUUID } from 'node:crypto';
import type { Post } from '@rostrum/contracts';
import { waitFor } from '@rostrum/testing';
import { newDetails, People, type Client, type Details, type Reply } from '../auth/people';
import { LiveSocket } from './live-socket';
import type { System } from './system';

/** Somebody who uses posts and sockets through the gateway. */
export class Member {
  constructor(
    private readonly system: Pick<System, 'gateway' | 'certificate'>,
    readonly client: Client,
    readonly details: Details & { id: string },
  ) {}

  get id(): string {
    return this.details.id;
  }

  get username(): string {
    return this.details.username;
  }

  call(method: string, path: string, body?: object, headers?: Record<string, string>): Promise<Reply> {
    return this.client.call(method, path, body, headers);
  }

  /** Asks for what has to be there. */
  async get(path: string): Promise<Reply['json']> {
    const { status, json } = await this.call('GET', path);
    expect([path, status]).toEqual([path, 200]);
    return json;
  }

  async statusOf(path: string): Promise<number> {
    return (await this.call('GET', path)).status;
  }

  /** Does something that answers nothing but that it is done. */
  async do(method: 'PUT' | 'DELETE', path: string): Promise<void> {
    const { status, json } = await this.call(method, path);
    expect([method, path, status, json]).toEqual([method, path, 204, undefined]);
  }

  async publish(text: string, more: object = {}): Promise<Post> {
    const key = { 'Idempotency-Key': randomUUID() };
    const { status, json } = await this.call('POST', '/api/v1/posts', { text, ...more }, key);
    expect([status, json.text]).toEqual([201, text]);
    return json as Post;
  }

  async idsAt(path: string): Promise<string[]> {
    return (await this.get(path)).items.map(({ id }: { id: string }) => id);
  }

  /** Of all pages, so many at a time. */
  async idsOnPages(path: string, limit: number): Promise<string[]> {
    const ids: string[] = [];
    for (let next: string | null = `${path}?limit=${limit}`; next !== null;) {
      const { json, response } = await this.call('GET', next);
      expect([response.status, json.items.length <= limit]).toEqual([200, true]);
      ids.push(...json.items.map(({ id }: { id: string }) => id));
      const link = /^<(.+)>; rel="next"$/.exec(response.headers.get('link') ?? '');
      expect(link !== null).toBe(json.nextCursor !== null);
      next = link?.[1] ?? null;
    }
    return ids;
  }

  /** Subscribed to these channels. */
  listen(...channels: string[]): Promise<LiveSocket> {
    return LiveSocket.open(this.system, { token: this.client.token ?? '', channels });
  }
}

/** Somebody new, whom posts knows by the time they are here. */
export async function join(system: System): Promise<Member> {
  const people = new People(system);
  const details = await people.register(newDetails());
  const { client } = await people.signIn(details);
  const member = new Member(system, client, details);
  const profile = `/api/v1/users/${details.username}`;
  await waitFor(async () => (await member.statusOf(profile)) === 200, {
    what: 'the profile of the one who registered',
    timeoutMs: 30_000,
  });
  return member;
}
