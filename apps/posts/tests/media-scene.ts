import type { Upload } from './pictures';
import { PostsApp, type Caller } from './posts-app';

export const mediaRoute = '/api/v1/posts/media';

/** The service with a store for pictures of its own; people are new to each test. */
export class MediaScene {
  private constructor(readonly app: PostsApp) {}

  static async open(): Promise<MediaScene> {
    return new MediaScene(await PostsApp.start());
  }

  people(): Promise<[ada: Caller, eve: Caller]> {
    return Promise.all([this.app.member('ada'), this.app.member('eve')]);
  }

  close(): Promise<void> {
    return this.app.stop();
  }
}

/** What people do with pictures, each the answer to one request. */
export const askForUpload = (caller: Caller, body: unknown, headers = {}) =>
  caller.write('POST', mediaRoute, body, headers);

export const completeUpload = (caller: Caller, id: string, headers = {}) =>
  caller.write('POST', `${mediaRoute}/${id}/complete`, undefined, headers);

export const beginUpload = async (caller: Caller, bytes: number, type = 'image/png') =>
  (await askForUpload(caller, { type, bytes })).json as Upload;
