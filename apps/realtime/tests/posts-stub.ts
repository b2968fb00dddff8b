import { once } from 'node:events';
import http from 'node:http';
import { text } from 'node:stream/consumers';
import type { AddressInfo } from 'node:net';
import { visibleRoute } from '@rostrum/contracts';

// Its contract has one, though the type of contracts allows for none.
const question = visibleRoute.body as NonNullable<typeof visibleRoute.body>;

/** As much of posts as realtime asks: everything may be seen but what is hidden here. */
export class PostsStub {
  /** `<viewer id> <post id or username>`, or the post or the person alone. */
  readonly hidden = new Set<string>();
  isDown = false;
  asked = 0;

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
    if (request.url !== visibleRoute.path || this.isDown) {
      response.writeHead(this.isDown ? 503 : 200).end('{}');
      return;
    }
    this.asked += 1;
    const { viewerId, postIds, usernames } = question.parse(JSON.parse(await text(request)));
    const isShown = (subject: string) =>
      !this.hidden.has(subject) && !this.hidden.has(`${viewerId} ${subject}`);
    const body = { postIds: postIds.filter(isShown), usernames: usernames.filter(isShown) };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  }
}
