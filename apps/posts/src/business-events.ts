import type { Metrics, RostrumLogger } from '@rostrum/observability';
import type { Media } from './media/media';
import type { Post } from './posts/post';

interface Eyes {
  logger: Pick<RostrumLogger, 'info'>;
  metrics: Pick<Metrics, 'counter'>;
}

/** What happens in this service that people outside engineering would count: one log line and one counter each. */
export class BusinessEvents {
  private readonly logger: Eyes['logger'];
  private readonly posts;
  private readonly edits;
  private readonly deletions;
  private readonly follows;
  private readonly unfollows;
  private readonly profileChanges;
  private readonly uploads;

  constructor({ logger, metrics }: Eyes) {
    this.logger = logger;
    this.posts = metrics.counter('posts_created_total', 'Posts published');
    this.edits = metrics.counter('posts_edited_total', 'Posts whose text was changed');
    this.deletions = metrics.counter('posts_deleted_total', 'Posts deleted by their authors');
    this.follows = metrics.counter('users_followed_total', 'Follows begun');
    this.unfollows = metrics.counter('users_unfollowed_total', 'Follows ended');
    this.profileChanges = metrics.counter('profiles_changed_total', 'Profiles changed by their owners');
    this.uploads = metrics.counter('media_uploads_total', 'Pictures uploaded, by what became of them', [
      'result',
    ]);
    for (const result of ['completed', 'refused']) this.uploads.inc({ result }, 0);
  }

  mediaCompleted({ id, type }: Media): void {
    this.uploads.inc({ result: 'completed' });
    this.logger.info('Picture uploaded', { media_id: id, type });
  }

  mediaRefused(mediaId: string, code: string): void {
    this.uploads.inc({ result: 'refused' });
    this.logger.info('Picture refused', { media_id: mediaId, code });
  }

  postCreated({ id }: Post): void {
    this.posts.inc();
    this.logger.info('Post created', { post_id: id });
  }

  postEdited({ id, version }: Post): void {
    this.edits.inc();
    this.logger.info('Post edited', { post_id: id, version });
  }

  postDeleted(postId: string): void {
    this.deletions.inc();
    this.logger.info('Post deleted', { post_id: postId });
  }

  userFollowed(followeeId: string): void {
    this.follows.inc();
    this.logger.info('User followed', { followee_id: followeeId });
  }

  userUnfollowed(followeeId: string): void {
    this.unfollows.inc();
    this.logger.info('User unfollowed', { followee_id: followeeId });
  }

  profileChanged(userId: string): void {
    this.profileChanges.inc();
    this.logger.info('Profile changed', { profile_id: userId });
  }
}
