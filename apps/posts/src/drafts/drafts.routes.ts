import {
  createDraftRoute,
  deleteDraftRoute,
  getDraftRoute,
  listDraftsRoute,
  publishDraftRoute,
  replaceDraftRoute,
  type Draft as DraftBody,
} from '@rostrum/contracts';
import type { RouteBinder } from '@rostrum/service-kit';
import { created as createdPost } from '../posts/posts.routes';
import { personOf } from '../profiles/viewer';
import { nextLink } from '../visibility/page-reply';
import { contentOf, toDraftBody, type Draft } from './draft';
import { draftEtag, type DraftsService } from './drafts.service';

const found = (draft: Draft): { status: 200; body: DraftBody; headers: readonly string[] } => ({
  status: 200,
  body: toDraftBody(draft),
  headers: ['ETag', draftEtag(draft)],
});

const created = (draft: Draft): { status: 201; body: DraftBody; headers: readonly string[] } => ({
  status: 201,
  body: toDraftBody(draft),
  headers: ['Location', `${createDraftRoute.path}/${draft.id}`, 'ETag', draftEtag(draft)],
});

const done = (): { status: 204 } => ({ status: 204 });

export function draftsRoutes(binder: RouteBinder, drafts: DraftsService): void {
  binder.bind(createDraftRoute, ({ user, body, once }) =>
    once((write) => drafts.create(personOf(user), contentOf(body), write), created),
  );

  binder.bind(listDraftsRoute, async ({ user, query: { cursor, limit }, signal }) => {
    const page = await drafts.list(user.userId, { cursor, limit, signal });
    const { nextCursor } = page;
    const headers = nextLink({ path: listDraftsRoute.path, limit, nextCursor });
    return { status: 200, body: { items: page.drafts.map(toDraftBody), nextCursor }, headers };
  });

  binder.bind(getDraftRoute, async ({ user, params, signal }) =>
    found(await drafts.read(user.userId, params.id, signal)),
  );

  binder.bind(replaceDraftRoute, ({ user, params, body, request, once }) => {
    const replacement = { id: params.id, ifMatch: request.headers['if-match'], content: contentOf(body) };
    return once((write) => drafts.replace(user.userId, replacement, write), found);
  });

  binder.bind(deleteDraftRoute, ({ user, params, once }) =>
    once<void, { status: 204 }>((write) => drafts.remove(user.userId, params.id, write), done),
  );

  binder.bind(publishDraftRoute, (call) => {
    const { user, params, once } = call;
    return once(
      (write) => drafts.publish(personOf(user), params.id, { write, signal: () => call.signal }),
      createdPost,
    );
  });
}
