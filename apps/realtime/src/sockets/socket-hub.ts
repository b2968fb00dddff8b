import type { ConnectionLimits, ServerMessage } from '@rostrum/contracts';
import type { RevocationList } from '@rostrum/security';
import type { PresenceKeeper } from '../presence/presence-keeper';
import { Connection, type ConnectionSurroundings, type OpenedSocket, type Visitor } from './connection';
import { partCount, type Connections } from './connections';
import { drainConnections, type DrainOptions } from './drain';
import { frameOf } from './frame';
import { upgradeErrors } from './upgrade.errors';
import type { VisitorLimits } from './visitor-limits';

export interface SocketHubParts {
  connections: Connections;
  places: Pick<VisitorLimits, 'enter' | 'leave'>;
  channels: {
    /** Throws a 503 problem while no channel could be subscribed to. */
    assertReady: () => void;
    left: (connection: Connection) => void;
  };
  presence: PresenceKeeper;
  revocations: Pick<RevocationList, 'version' | 'isRevoked'>;
  settings: Omit<ConnectionSurroundings, 'onAlive' | 'onEnd'>;
  /** What clients are told of. */
  limits: ConnectionLimits;
  drain: DrainOptions;
}

const secondMs = 1000;

/** The life of all sockets together: they come in, are kept alive by one clock, and are seen off at the end. */
export class SocketHub {
  private readonly surroundings: ConnectionSurroundings;
  private draining = false;
  private beats = 0;
  /** The revocations that all sockets have been held against. */
  private checkedVersion = 0;
  private clock: NodeJS.Timeout | undefined;

  constructor(private readonly parts: SocketHubParts) {
    const { presence, settings } = parts;
    this.surroundings = {
      ...settings,
      onAlive: ({ user }) => presence.alive(user.userId),
      onEnd: (connection) => this.dismiss(connection),
    };
  }

  start(): void {
    this.clock = setInterval(() => this.beat(), secondMs / partCount).unref();
  }

  async stop(): Promise<void> {
    this.draining = true;
    await drainConnections(this.parts.connections, this.parts.drain);
    clearInterval(this.clock);
  }

  admit(visitor: Visitor, open: () => OpenedSocket): void {
    const { channels, places } = this.parts;
    const place = { userId: visitor.user.userId, address: visitor.address };
    if (this.draining) throw upgradeErrors.draining();
    channels.assertReady();
    places.enter(place);
    try {
      this.welcome(new Connection(open(), visitor, this.surroundings));
    } catch (error) {
      places.leave(place);
      throw error;
    }
  }

  private welcome(connection: Connection): void {
    const isFirst = this.parts.connections.add(connection);
    if (isFirst) this.parts.presence.arrived(connection.user);
    connection.send(frameOf(this.welcomeFor(connection)));
    // Its token was good a moment ago; what was revoked since has been looked for among the others only.
    this.closeRevoked([connection]);
  }

  private welcomeFor({ id, user }: Connection): ServerMessage {
    return {
      type: 'welcome',
      connectionId: id,
      userId: user.userId,
      heartbeatSeconds: this.surroundings.heartbeatSeconds,
      tokenExpiresAt: new Date(user.expiresAt * 1000).toISOString(),
      limits: this.parts.limits,
    };
  }

  private closeRevoked(connections: Iterable<Connection>): void {
    for (const connection of connections) {
      if (this.parts.revocations.isRevoked(connection.user)) connection.close('session_revoked');
    }
  }

  private dismiss(connection: Connection): void {
    const { userId } = connection.user;
    this.parts.places.leave({ userId, address: connection.address });
    const wasLast = this.parts.connections.remove(connection);
    this.parts.channels.left(connection);
    if (wasLast) this.parts.presence.left(connection.user);
  }

  /** A part of them at a time: nobody's message waits until all the others have been seen to. */
  private beat(): void {
    this.beats += 1;
    const turn = Math.floor(this.beats / partCount);
    const now = Date.now() / 1000;
    if (this.checkedVersion !== this.parts.revocations.version) {
      this.checkedVersion = this.parts.revocations.version;
      this.closeRevoked(this.parts.connections);
    }
    for (const connection of this.parts.connections.part(this.beats)) connection.beat(turn, now);
    this.parts.presence.beat();
  }
}
