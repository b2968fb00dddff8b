import type { Answer, Caller, PostsApp } from './posts-app';

const posts = '/api/v1/posts';
const desk = `${posts}/moderation`;

type Headers = Record<string, string>;

/** What people and moderators do about posts, each the answer to one request. */
export const report = (
  caller: Caller,
  postId: string,
  body: object = { reason: 'spam' },
  headers?: Headers,
) => caller.write('POST', `${posts}/${postId}/reports`, body, headers);

export const appeal = (caller: Caller, postId: string, text = 'It is a joke', headers?: Headers) =>
  caller.write('POST', `${posts}/${postId}/appeals`, { text }, headers);

/** What the author is told. */
export const toldOf = (author: Caller, postId: string) => author.get(`${posts}/${postId}/moderation`);

export const queueOf = (moderator: Caller, query = '') => moderator.get(`${desk}/queue${query}`);

export const recordOf = (moderator: Caller, postId: string) => moderator.get(`${desk}/posts/${postId}`);

export const claim = (moderator: Caller, postId: string) =>
  moderator.write('PUT', `${desk}/posts/${postId}/claim`);

export const release = (moderator: Caller, postId: string) =>
  moderator.write('DELETE', `${desk}/posts/${postId}/claim`);

export type DecisionName = 'hide' | 'restore' | 'dismiss' | 'uphold';

export const decide = (
  moderator: Caller,
  [kind, postId]: [DecisionName, string],
  reason = 'Rule 7',
  headers?: Headers,
) => moderator.write('POST', `${desk}/posts/${postId}/${kind}`, { reason }, headers);

/** Answers with what they say to one who has to know what went wrong. */
export const outcome = ({ status, json }: Answer): [number, string | undefined] => [status, json?.code];

/** Where it stands in each list: all pages of the queue, of one state. */
export async function wholeQueue(moderator: Caller, state: string, limit = 100): Promise<Answer['json'][]> {
  const items: Answer['json'][] = [];
  let cursor = '';
  do {
    const { json } = await queueOf(moderator, `?state=${state}&limit=${limit}${cursor}`);
    items.push(...json.items);
    cursor = json.nextCursor === null ? '' : `&cursor=${json.nextCursor}`;
  } while (cursor !== '');
  return items;
}

/** Events about a post that others are told of, in their order. */
export const eventsOf = (app: PostsApp, postId: string) =>
  app.rows<{ type: string; payload: Record<string, unknown> }>(
    `select type, payload from posts.outbox
      where payload->>'postId' = $1 and type in ('post.hidden', 'post.restored', 'post.hidingUpheld', 'post.deleted')
      order by id`,
    [postId],
  );

export const logOf = (app: PostsApp, postId: string) =>
  app.rows<{ kind: string; actor_id: string; reason: string | null; version: number }>(
    'select kind, actor_id, reason, version from posts.moderation_log where post_id = $1 order by seq',
    [postId],
  );
