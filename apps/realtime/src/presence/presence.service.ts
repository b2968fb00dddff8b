import type { PresenceChoicesRepository } from './presence-choices.repository';
import type { PresenceState, PresenceStore } from './presence.store';

export interface Presence {
  userId: string;
  online: boolean;
  state: PresenceState;
}

export class PresenceService {
  constructor(
    private readonly store: Pick<PresenceStore, 'stateOf'>,
    private readonly choices: Pick<PresenceChoicesRepository, 'hiddenFrom'>,
  ) {}

  /** Whoever is hidden from the viewer is asked for like all others, and takes no longer to be found offline. */
  async look(viewerId: string, userIds: readonly string[], signal: AbortSignal): Promise<Presence[]> {
    const [hidden, ...states] = await Promise.all([
      this.choices.hiddenFrom(viewerId, userIds, signal),
      ...userIds.map((userId) => this.store.stateOf(userId)),
    ]);
    return userIds.map((userId, index) => {
      const state = hidden.has(userId) ? 'offline' : (states[index] ?? 'offline');
      return { userId, online: state !== 'offline', state };
    });
  }
}
