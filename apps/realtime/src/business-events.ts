import { clientMessage, notificationKinds, serverMessage, type NotificationKind } from '@rostrum/contracts';
import { runWithContext } from '@rostrum/observability';
import { rejectionCounter, type Kit } from '@rostrum/service-kit';
import { endReasons, type EndReason } from './sockets/close-reasons';

const ordinaryReasons: ReadonlySet<EndReason> = new Set<EndReason>(['client', 'lost', 'restarting']);

const clientMessageTypes = clientMessage.options.map(({ shape }) => shape.type.value);
const serverMessageTypes = serverMessage.options.map(({ shape }) => shape.type.value);

type Eyes = Pick<Kit, 'logger' | 'metrics'>;

/** Whom this service has told of something. */
export class NotificationEvents {
  private readonly logger: Eyes['logger'];
  private readonly sent;

  constructor({ logger, metrics }: Eyes) {
    this.logger = logger;
    this.sent = metrics.counter('notifications_sent_total', 'Notifications made, by their kind', ['kind']);
    for (const kind of notificationKinds) this.sent.inc({ kind }, 0);
  }

  notificationSent({ id, kind }: { id: string; kind: NotificationKind }): void {
    this.sent.inc({ kind });
    this.logger.info('Notification sent', { notification_id: id, kind });
  }
}

export interface EndedConnection {
  id: string;
  user: { userId: string };
  /** Of the request that opened it. */
  traceparent: string;
  /** How long it was open. */
  ageMs: number;
}

/** What becomes of the sockets. Nothing here ever sees what a frame holds. */
export class SocketEvents {
  private readonly logger: Eyes['logger'];
  private readonly tracing: Kit['tracing'];
  private readonly received;
  private readonly sent;
  private readonly closed;
  private readonly refused;
  private readonly limited;

  constructor({ logger, metrics, tracing }: Eyes & Pick<Kit, 'tracing'>) {
    this.logger = logger;
    this.tracing = tracing;
    this.received = metrics.counter('websocket_messages_received_total', 'Messages of clients, by type', [
      'type',
    ]);
    this.sent = metrics.counter('websocket_messages_sent_total', 'Messages to clients, by type', ['type']);
    this.closed = metrics.counter('websocket_closed_total', 'Sockets that ended, by reason', ['reason']);
    this.refused = metrics.counter('websocket_upgrades_refused_total', 'Upgrades refused, by problem code', [
      'code',
    ]);
    for (const reason of endReasons) this.closed.inc({ reason }, 0);
    for (const type of [...clientMessageTypes, 'invalid']) this.received.inc({ type }, 0);
    for (const type of serverMessageTypes) this.sent.inc({ type }, 0);
    for (const code of ['UNAUTHORIZED', 'TOO_MANY_CONNECTIONS', 'TOO_MANY_HANDSHAKES']) {
      this.refused.inc({ code }, 0);
    }
    this.limited = rejectionCounter(metrics, ['websocket']);
  }

  messageReceived(type: string): void {
    this.received.inc({ type });
  }

  messageFailed(type: string, error: unknown, isOutage: boolean): void {
    this.logger[isOutage ? 'warn' : 'error'](`A message of type ${type} failed`, { error });
  }

  messagesSent(type: string, count: number): void {
    this.sent.inc({ type }, count);
  }

  upgradeRefused(code: string): void {
    this.refused.inc({ code });
  }

  /** The line has the trace of the upgrade: why somebody was cut off is found from where they came in. */
  connectionClosed(reason: EndReason, { id, user, traceparent, ageMs }: EndedConnection): void {
    this.closed.inc({ reason });
    if (reason === 'rate_limited') this.limited('websocket', 'limit');
    const context = this.tracing.begin(traceparent, id);
    context.userId = user.userId;
    context.endpoint = 'WS close';
    const level = ordinaryReasons.has(reason) ? 'debug' : 'info';
    const about = { reason, connection_id: id, open_ms: Math.round(ageMs) };
    runWithContext(context, () => this.logger[level](`Socket ended: ${reason}`, about));
  }

  /** The error's text may quote the event, so only its kind is told. */
  eventDropped(error: unknown): void {
    this.logger.error('A live event is not as its schema says', { kind: (error as Error).name });
  }
}
