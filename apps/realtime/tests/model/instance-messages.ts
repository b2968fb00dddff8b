import type { LogSettings } from '../../src/live/event-log';
import type { ClientPosition } from '../../src/live/missed-notifications';
import type { Subscriber } from '../../src/live/membership';

/** What an instance in a process of its own is asked. Connections are numbers. */
export type Request =
  | { do: 'start'; redisUrl: string; settings: LogSettings }
  | { do: 'admit'; connection: number; user: Subscriber['user'] }
  /** `attempt` is the id of the client's message. */
  | { do: 'join'; connection: number; channel: string; since: ClientPosition | undefined; attempt: string }
  | { do: 'leave'; connection: number; channel: string }
  | { do: 'dismiss'; connection: number };

export type Reply =
  | { what: 'started' }
  | { what: 'frame'; connection: number; text: string }
  | { what: 'joined' | 'refused'; connection: number; channel: string; attempt: string };
