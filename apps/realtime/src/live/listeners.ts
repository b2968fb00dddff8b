import type { Tracing } from '@rostrum/observability';
import { frameOf, type Frame } from '../sockets/frame';
import type { Audience, Gap } from './channel-follower';
import { publicName } from './channel-names';
import { eventFrame, eventIdOf, eventNameOf, traceparentOf, type LogEntry } from './live-event';
import type { LiveMetrics } from './live-metrics';

/** A socket, or this process itself where it listens to others. */
export interface Listener {
  send(frame: Frame): void;
}

export interface ListenersParts {
  tracing: Pick<Tracing, 'runWork'>;
  metrics: Pick<LiveMetrics, 'fannedOut' | 'gapTold'>;
}

/** All that a channel is told to in this process: each event is one frame, made once. */
export class Listeners implements Audience {
  readonly publicName: string;
  private readonly all = new Set<Listener>();

  constructor(
    channel: string,
    private readonly parts: ListenersParts,
  ) {
    this.publicName = publicName(channel);
  }

  add(listener: Listener): void {
    this.all.add(listener);
  }

  delete(listener: Listener): void {
    this.all.delete(listener);
  }

  event({ offset, at, text }: LogEntry): void {
    this.tell(eventFrame(this.publicName, text, offset), text);
    this.parts.metrics.fannedOut((Date.now() - at) / 1000);
  }

  /** What is kept in no log. */
  passing(text: string): void {
    this.tell(eventFrame(this.publicName, text), text);
  }

  gap(gap: Gap): void {
    const frame = gapFrame(this.publicName, gap);
    for (const listener of this.all) {
      this.parts.metrics.gapTold(gap.reason);
      listener.send(frame);
    }
  }

  private tell(frame: Frame, text: string): void {
    const work = {
      name: `ws event ${eventNameOf(text)}`,
      requestId: eventIdOf(text),
      traceparent: traceparentOf(text),
      attributes: { 'network.protocol.name': 'websocket', 'rostrum.connections': this.all.size },
    };
    this.parts.tracing.runWork(work, () => {
      for (const listener of this.all) listener.send(frame);
    });
  }
}

export function gapFrame(channel: string, gap: Gap): Frame {
  return frameOf({ type: 'gap', channel, ...gap });
}
