import type { MessageHandler } from '../sockets/message-router';
import type { PresenceChoicesRepository } from './presence-choices.repository';
import type { PresenceKeeper } from './presence-keeper';

export interface PresenceMessagesParts {
  keeper: Pick<PresenceKeeper, 'setState'>;
  choices: Pick<PresenceChoicesRepository, 'setInvisible'>;
}

/**
 * What people say of themselves. Being away lasts as long as the sockets of this process; being invisible lasts until
 * they say otherwise, wherever they come back. It is written down before it is answered.
 */
export function presenceMessages({ keeper, choices }: PresenceMessagesParts): MessageHandler<'presence'> {
  return async ({ user }, { state }) => {
    await choices.setInvisible(user.userId, state === 'invisible');
    keeper.setState(user, state === 'away' ? 'away' : 'online');
    return undefined;
  };
}
