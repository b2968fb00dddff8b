import type { Tracing } from '@rostrum/observability';
import type { SocketEvents } from '../business-events';
import type { Connections } from '../sockets/connections';
import { frameOf } from '../sockets/frame';
import { userEvent, type UserEvent } from './user-event';

/** Hands an event from Redis to all sockets that its user has here. */
export class LiveDelivery {
  constructor(
    private readonly connections: Pick<Connections, 'ofUser'>,
    private readonly tracing: Pick<Tracing, 'runWork'>,
    private readonly events: Pick<SocketEvents, 'eventDropped'>,
  ) {}

  deliver(userId: string, text: string): void {
    const event = this.read(text);
    if (!event) return;
    const { id, name, data, time, traceparent } = event;
    const frame = frameOf({ type: 'event', channel: 'user:me', id, name, data, time });
    const connections = this.connections.ofUser(userId);
    const attributes = { 'network.protocol.name': 'websocket', 'rostrum.connections': connections.size };
    this.tracing.runWork({ name: `ws event ${name}`, requestId: id, traceparent, attributes }, () => {
      for (const connection of connections) connection.send(frame);
    });
  }

  private read(text: string): UserEvent | undefined {
    try {
      return userEvent.parse(JSON.parse(text));
    } catch (error) {
      this.events.eventDropped(error);
      return undefined;
    }
  }
}
