import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Socket } from 'node:net';
import { closeTable, type CloseCode } from '@rostrum/contracts';
import { isAppError, toProblem, type Problem } from '@rostrum/errors';
import { runWithContext, type RequestContext } from '@rostrum/observability';
import { beginRequest, callerAddress, clientAddress, userAgentFamily, type Kit } from '@rostrum/service-kit';
import type { SocketEvents } from '../business-events';
import type { LiveSocket, OpenedSocket } from './connection';
import { refuseUpgrade } from './refuse-upgrade';
import type { SocketHub } from './socket-hub';
import { pathOf, webSocketPath, type UpgradeGate } from './upgrade-gate';
import { upgradeErrors } from './upgrade.errors';
import type { VisitorLimits } from './visitor-limits';
import { createWebSocketServer, type WebSocketServerOptions } from './web-socket-server';

export interface UpgradeParts extends WebSocketServerOptions {
  gate: UpgradeGate;
  hub: SocketHub;
  events: SocketEvents;
  limits: Pick<VisitorLimits, 'knock'>;
}

interface Handshake {
  request: IncomingMessage;
  socket: Duplex;
  head: Buffer;
  context: RequestContext;
  startedAt: number;
}

/** Turns upgrade requests into sockets, and is to them what Express is to other requests: log, metrics, trace. */
export class UpgradeHandler {
  private readonly webSockets;
  private readonly requestIds = new WeakMap<IncomingMessage, string>();

  constructor(
    private readonly kit: Pick<Kit, 'config' | 'logger' | 'metrics' | 'tracing'>,
    private readonly parts: UpgradeParts,
  ) {
    this.webSockets = createWebSocketServer(parts);
    // Keeps `ws` from answering malformed handshakes in its own way.
    this.webSockets.on('wsClientError', ignore);
    this.webSockets.on('headers', (headers, request) => {
      headers.push(`X-Request-Id: ${this.requestIds.get(request)}`);
    });
  }

  attach(server: Server): void {
    this.kit.metrics.primeRoute('GET', webSocketPath, [101, 401]);
    server.on('upgrade', (request, socket, head) => {
      const context = this.begin(request);
      const handshake = { request, socket, head, context, startedAt: performance.now() };
      void runWithContext(context, () => this.handle(handshake));
    });
  }

  private begin(request: IncomingMessage): RequestContext {
    const { config, tracing } = this.kit;
    const context = beginRequest(request, { tracing, followsProxies: config.tracingFollowProxies });
    context.method = 'GET';
    context.endpoint = `GET ${webSocketPath}`;
    if (context.sampled) {
      context.span = tracing.startServerSpan(context, `GET ${webSocketPath}`, {
        'http.request.method': 'GET',
        'network.protocol.name': 'websocket',
      });
    }
    return context;
  }

  private async handle(handshake: Handshake): Promise<void> {
    const { request, socket, context } = handshake;
    // Between being an HTTP connection and being a WebSocket nobody else listens for its errors.
    socket.on('error', ignore);
    try {
      const { gate, hub, limits } = this.parts;
      const address = callerAddress(request);
      gate.assertWellAsked(request);
      limits.knock(address, handshake.startedAt);
      const user = await gate.identify(request);
      context.userId = user.userId;
      const visitor = { user, address, traceparent: context.traceparent() };
      hub.admit(visitor, () => this.complete(handshake));
      this.finish(handshake, 101);
    } catch (error) {
      this.refuse(handshake, error);
    } finally {
      socket.off('error', ignore);
    }
  }

  /** The handshake itself, which is over when this returns. */
  private complete({ request, socket, head, context }: Handshake): OpenedSocket {
    let opened: LiveSocket | undefined;
    this.requestIds.set(request, context.requestId);
    this.webSockets.handleUpgrade(request, socket, head, (webSocket) => (opened = webSocket));
    if (!opened) throw upgradeErrors.malformed();
    // The public server's connections are those of `node:net`.
    return { webSocket: opened, socket: socket as Socket };
  }

  private refuse(handshake: Handshake, error: unknown): void {
    const { request, socket, context } = handshake;
    const problem = toProblem(error, { instance: pathOf(request.url), requestId: context.requestId });
    if (problem.status >= 500) {
      const level = problem.status === 503 ? 'warn' : 'error';
      this.kit.logger[level](`GET ${webSocketPath} failed: ${problem.code}`, { error });
    }
    this.parts.events.upgradeRefused(problem.code);
    if (this.tellPage(handshake, problem)) {
      this.finish(handshake, 101, error);
      return;
    }
    refuseUpgrade(socket, problem, isAppError(error) ? error : {});
    this.finish(handshake, problem.status, error);
  }

  /** To a page each refused handshake looks like a lost connection, so it gets a socket that says why it is closed. */
  private tellPage(handshake: Handshake, problem: Problem): boolean {
    const close = closeOf(problem);
    const { request, socket } = handshake;
    if (!close || !this.parts.gate.isFromPage(request) || !socket.writable) return false;
    try {
      const { webSocket } = this.complete(handshake);
      webSocket.on('error', ignore);
      webSocket.close(close.code, close.name);
      return true;
    } catch {
      // No handshake that could be completed: the answer is a plain one.
      return false;
    }
  }

  private finish({ request, context, startedAt }: Handshake, status: number, error?: unknown): void {
    const { logger, metrics, tracing } = this.kit;
    const path = pathOf(request.url);
    const route = path === webSocketPath ? webSocketPath : 'unmatched';
    const durationMs = performance.now() - startedAt;
    const traceId = context.sampled ? context.traceId : undefined;
    metrics.httpRequest('GET', route, status, durationMs / 1000, traceId);
    if (context.span) tracing.endServerSpan(context.span, { status, route, error });
    const line = { method: 'GET', route, path, status, durationMs, bytes: 0 };
    const userAgent = userAgentFamily(request.headers['user-agent']);
    const client = { clientIp: clientAddress(request), userAgent };
    logger.access({ ...line, ...client }, context);
  }
}

/** How a page is told of a problem that is not about how it has asked. */
function closeOf({ status, code }: Problem): CloseCode | undefined {
  if (status === 401) return closeTable.tokenRefused;
  if (status === 503) return closeTable.unavailable;
  if (status !== 429) return undefined;
  return code === 'TOO_MANY_CONNECTIONS' ? closeTable.tooManyConnections : closeTable.rateLimited;
}

function ignore(): void {
  // Whoever has hung up needs no answer; `complete` finds malformed handshakes by itself.
}
