import type { Redis } from '@rostrum/data-access';
import { userChannel, type UserEvent } from './user-event';

/** Tells the processes that hold a user's sockets, wherever they are. Nobody holding one is no error. */
export class LivePublisher {
  constructor(private readonly redis: Pick<Redis, 'publish'>) {}

  async toUser(userId: string, event: UserEvent): Promise<void> {
    await this.redis.publish(userChannel(userId), JSON.stringify(event));
  }
}
