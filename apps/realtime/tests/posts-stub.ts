import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import { text } from 'node:stream/consumers';
import type { AddressInfo } from 'node:net';
import {
  allAvoidancesRoute,
  allFollowsRoute,
  viewersRoute,
  visibleRoute,
  type RouteContract,
} from '@rostrum/contracts';

// Their contracts have one, though the type of contracts allows for none.
const bodyOf = <Route extends RouteContract>({ body }: Route) => body as NonNullable<Route['body']>;
const questions = { visible: bodyOf(visibleRoute), viewers: bodyOf(viewersRoute) };

const somebody = randomUUID();
const avoidancesOfPage = 2;

/** As much of posts as realtime asks: everything may be seen but what is hidden here. */
export class PostsStub {
  /** `<viewer id> <post id or username>`, or the post or the person alone. */
  readonly hidden = new Set<string>();
  /** Whose a post or a name is; some user's unless given. */
  readonly owners = new Map<string, string>();
  /** Of all follows, and what each is asked for by: null for the first. */
  pages: { at: string | null; items: { followerId: string; followeeId: string; followedAt: string }[] }[] =
    [];
  pagesAsked = 0;
  /** So many are answered. */
  failsAfterPages = Infinity;
  /** All blocks and mutes, in the order of their ids. */
  readonly avoidances = {
    block: [] as { personId: string; otherId: string; since: string }[],
    mute: [] as { personId: string; otherId: string; since: string }[],
  };
  isDown = false;
  asked = 0;
  /** Questions that were not answered. */
  refused = 0;

  private constructor(private readonly server: http.Server) {}

  static async start(): Promise<PostsStub> {
    const server = http.createServer((request, response) => void stub.answer(request, response));
    const stub = new PostsStub(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return stub;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async answer(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    if (this.isDown || this.isOutOfPages(request.url)) {
      this.refused += 1;
      response.writeHead(503).end('{}');
      return;
    }
    const question = await text(request);
    const answer =
      request.url === visibleRoute.path
        ? this.visible(questions.visible.parse(JSON.parse(question)))
        : request.url === viewersRoute.path
          ? this.viewers(questions.viewers.parse(JSON.parse(question)))
          : this.list(new URL(request.url ?? '', this.url));
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
  }

  private isOutOfPages(url = ''): boolean {
    return url.startsWith(allFollowsRoute.path) && this.pagesAsked >= this.failsAfterPages;
  }

  private visible(question: { viewerId: string; postIds: string[]; usernames: string[] }): object {
    this.asked += 1;
    const isShown = (subject: string) => this.isShown(question.viewerId, subject);
    const [postIds, usernames] = [question.postIds.filter(isShown), question.usernames.filter(isShown)];
    const ownersOf = (subjects: string[]) => subjects.map((each) => this.owners.get(each) ?? somebody);
    return { postIds, authorIds: ownersOf(postIds), usernames, userIds: ownersOf(usernames) };
  }

  private viewers({ postId, viewerIds }: { postId: string; viewerIds: string[] }): object {
    return { viewerIds: viewerIds.filter((viewerId) => this.isShown(viewerId, postId)) };
  }

  private list({ pathname, searchParams }: URL): object {
    const after = searchParams.get('after');
    if (pathname === allFollowsRoute.path) return this.page(after);
    if (pathname !== allAvoidancesRoute.path) return {};
    const all = this.avoidances[searchParams.get('kind') as 'block' | 'mute'];
    const positions = all.map(({ personId, otherId }) => `${personId}.${otherId}`);
    const start = after === null ? 0 : positions.indexOf(after) + 1;
    const items = all.slice(start, start + avoidancesOfPage);
    const end = start + items.length;
    return { items, next: end < all.length ? positions[end - 1] : null };
  }

  private page(after: string | null): object {
    this.pagesAsked += 1;
    const start = this.pages.findIndex(({ at }) => at === after);
    const { items = [] } = this.pages[start] ?? {};
    return { items, next: this.pages[start + 1]?.at ?? null };
  }

  private isShown(viewerId: string, subject: string): boolean {
    return !this.hidden.has(subject) && !this.hidden.has(`${viewerId} ${subject}`);
  }
}
