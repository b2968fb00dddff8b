import { pipeline } from 'node:stream/promises';
import { getMediaObjectRoute, putMediaObjectRoute } from '@rostrum/contracts';
import { problems } from '@rostrum/errors';
import type { RouteBinder } from '@rostrum/service-kit';
import { WrongLength, type LocalObjectStore } from './local-object-store';
import { mediaErrors } from './media.errors';

const wrongLength = () =>
  problems.badRequest('WRONG_LENGTH', 'The body must be exactly as long as was announced');

/** What the store itself would serve, if it were S3: the URL is all that is asked for, no token and no cookie. */
export function localObjectRoutes(binder: RouteBinder, store: LocalObjectStore): void {
  binder.bind(putMediaObjectRoute, async ({ query, request }) => {
    const grant = store.grantOf(query.grant, 'put');
    if (grant?.bytes === undefined) throw mediaErrors.grantRefused();
    if (request.headers['content-type'] !== grant.type)
      throw problems.unsupportedMediaType(`The body must be ${grant.type}`);
    if (request.headers['content-length'] !== String(grant.bytes)) throw wrongLength();
    try {
      await store.receive(grant.key, grant.bytes, request);
    } catch (error) {
      // Who goes away in the middle is gone; what came of it is, too.
      throw error instanceof WrongLength || request.destroyed ? wrongLength() : error;
    }
    return { status: 200 };
  });

  binder.bind(getMediaObjectRoute, async ({ query, request }) => {
    const grant = store.grantOf(query.grant, 'get');
    if (!grant) throw mediaErrors.grantRefused();
    const found = await store.openStream(grant.key);
    if (!found) throw mediaErrors.notFound();
    const { res: response } = request;
    if (!response) return { status: 200 };
    const seconds = Math.max(0, Math.floor((grant.until - Date.now()) / 1_000));
    // What is no JSON is written here; the kit adds its headers, of which a strict policy is one, and sees that it is done.
    response.writeHead(200, [
      ...['Content-Type', grant.type, 'Content-Length', String(found.bytes)],
      ...['Content-Disposition', `attachment; filename="${grant.fileName ?? 'object'}"`],
      ...['Cache-Control', `private, max-age=${seconds}, immutable`],
    ]);
    await pipeline(found.stream, response).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error;
    });
    return { status: 200 };
  });
}
