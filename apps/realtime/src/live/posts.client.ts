import {
  allAvoidancesRoute,
  allFollowsRoute,
  mostViewersAsked,
  mostVisibleAsked,
  viewersRoute,
  visibleRoute,
} from '@rostrum/contracts';
import { problems } from '@rostrum/errors';
import type { HttpClient } from '@rostrum/resilience';
import type { z } from 'zod';
import { channels as names, kindOf, subjectOf } from './channel-names';

/** A channel that somebody may see, and whose post or name it is; unknown where posts does not say. */
export interface SeenChannel {
  channel: string;
  ownerId: string | undefined;
}

export type FollowsPage = z.output<typeof answers.follows>;
export type AvoidancesPage = z.output<typeof answers.avoidances>;

const answers = {
  visible: visibleRoute.responses[200].schema,
  viewers: viewersRoute.responses[200].schema,
  follows: allFollowsRoute.responses[200].schema,
  avoidances: allAvoidancesRoute.responses[200].schema,
};

/** Posts, which alone knows who may see what. Rejects with a 503 problem where that cannot be told. */
export class PostsClient {
  constructor(
    private readonly http: Pick<HttpClient, 'request'>,
    private readonly postsUrl: string,
  ) {}

  /** Those of the channels that the person may see. */
  async visible(viewerId: string, channels: readonly string[]): Promise<SeenChannel[]> {
    const pages = inParts(channels, mostVisibleAsked).map((some) => this.askVisible(viewerId, some));
    return (await Promise.all(pages)).flat();
  }

  /** Those of the people who may see the post. */
  async viewers(postId: string, viewerIds: readonly string[]): Promise<string[]> {
    const pages = inParts(viewerIds, mostViewersAsked).map(async (some) => {
      const body = await this.ask(viewersRoute.path, { postId, viewerIds: some });
      return answers.viewers.parse(body).viewerIds;
    });
    return (await Promise.all(pages)).flat();
  }

  /** A page of all follows. */
  async follows(after?: string): Promise<FollowsPage> {
    const query = after === undefined ? '' : `?after=${after}`;
    return answers.follows.parse(await this.ask(allFollowsRoute.path + query));
  }

  /** A page of all blocks, or of all mutes. */
  async avoidances(kind: 'block' | 'mute', after?: string): Promise<AvoidancesPage> {
    const query = new URLSearchParams({ kind, ...(after !== undefined && { after }) });
    return answers.avoidances.parse(await this.ask(`${allAvoidancesRoute.path}?${query}`));
  }

  private async askVisible(viewerId: string, channels: readonly string[]): Promise<SeenChannel[]> {
    const subjects = (kind: string) => channels.filter((each) => kindOf(each) === kind).map(subjectOf);
    const question = { viewerId, postIds: subjects('post'), usernames: subjects('presence') };
    const { postIds, authorIds, usernames, userIds } = answers.visible.parse(
      await this.ask(visibleRoute.path, question),
    );
    return [
      ...postIds.map((id, index) => ({ channel: names.post(id), ownerId: authorIds?.[index] })),
      ...usernames.map((name, index) => ({ channel: names.presence(name), ownerId: userIds?.[index] })),
    ];
  }

  private async ask(path: string, question?: object): Promise<unknown> {
    try {
      const { status, body } = await this.http.request(
        new URL(path, this.postsUrl).href,
        question && {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(question),
        },
      );
      if (status !== 200) throw new Error(`posts answers ${status}`);
      return JSON.parse(body.toString());
    } catch (error) {
      throw problems.unavailable('posts', 1, error);
    }
  }
}

function inParts<T>(all: readonly T[], size: number): T[][] {
  const parts: T[][] = [];
  for (let start = 0; start < all.length; start += size) parts.push(all.slice(start, start + size));
  return parts;
}
