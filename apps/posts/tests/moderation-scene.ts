import { wholeQueue } from './moderation-desk';
import { PostsApp, type Answer, type Caller } from './posts-app';

/** The service, and two moderators; people are new to each test. */
export class ModerationScene {
  private constructor(
    readonly app: PostsApp,
    readonly mod: Caller,
    readonly other: Caller,
  ) {}

  static async open(): Promise<ModerationScene> {
    const app = await PostsApp.start();
    return new ModerationScene(app, await app.moderator('mod'), await app.moderator('other'));
  }

  async people(): Promise<[ada: Caller, eve: Caller]> {
    return [await this.app.member('ada'), await this.app.member('eve')];
  }

  /** Where a post stands in the queue; undefined where it does not. */
  async queued(postId: string, state = 'open', moderator = this.mod): Promise<Answer['json']> {
    return (await wholeQueue(moderator, state)).find(({ post }) => post.id === postId);
  }

  close(): Promise<void> {
    return this.app.stop();
  }
}
