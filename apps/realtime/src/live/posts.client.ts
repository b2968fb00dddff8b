import { mostVisibleAsked, visibleRoute } from '@rostrum/contracts';
import { problems } from '@rostrum/errors';
import type { HttpClient } from '@rostrum/resilience';
import { kindOf, subjectOf } from './channel-names';

const answer = visibleRoute.responses[200].schema;

/** Posts, which alone knows who may see what. */
export class PostsClient {
  private readonly url: string;

  constructor(
    private readonly http: Pick<HttpClient, 'request'>,
    postsUrl: string,
  ) {
    this.url = new URL(visibleRoute.path, postsUrl).href;
  }

  /** Those of the channels that the person may see; rejects with a 503 problem where that cannot be told. */
  async visible(viewerId: string, channels: readonly string[]): Promise<Set<string>> {
    const seen = new Set<string>();
    for (let start = 0; start < channels.length; start += mostVisibleAsked) {
      const some = channels.slice(start, start + mostVisibleAsked);
      for (const channel of await this.ask(viewerId, some)) seen.add(channel);
    }
    return seen;
  }

  private async ask(viewerId: string, channels: readonly string[]): Promise<string[]> {
    const subjects = (kind: string) => channels.filter((each) => kindOf(each) === kind).map(subjectOf);
    const body = { viewerId, postIds: subjects('post'), usernames: subjects('presence') };
    try {
      const { status, body: bytes } = await this.http.request(this.url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      if (status !== 200) throw new Error(`posts answers ${status}`);
      const { postIds, usernames } = answer.parse(JSON.parse(bytes.toString()));
      return [...postIds.map((id) => `post:${id}`), ...usernames.map((name) => `presence:${name}`)];
    } catch (error) {
      throw problems.unavailable('posts', 1, error);
    }
  }
}
