import { problems } from '@rostrum/errors';
import { redisKeys, type Redis } from '@rostrum/data-access';

/** What a process tells of itself. */
export interface InstanceReport {
  id: string;
  connections: number;
  people: number;
  queuedBytes: number;
  startedAt: string;
  seenAt: string;
}

/** One that has not told of itself for so long is not there any more. */
const staleMs = 30_000;
const key = redisKeys('realtime').key('instances');

export interface InstanceReportsParts {
  redis: Pick<Redis, 'hset' | 'hgetall' | 'hdel'>;
  instanceId: string;
  sockets: { readonly size: number; readonly people: number; readonly queuedBytes: number };
}

/** How many sockets each process holds, for operators: told every few seconds, forgotten with the process. */
export class InstanceReports {
  private readonly startedAt = new Date().toISOString();

  constructor(private readonly parts: InstanceReportsParts) {}

  async tell(): Promise<void> {
    const { redis, instanceId: id, sockets } = this.parts;
    const { size: connections, people, queuedBytes } = sockets;
    const seenAt = new Date().toISOString();
    const report: InstanceReport = {
      id,
      connections,
      people,
      queuedBytes,
      startedAt: this.startedAt,
      seenAt,
    };
    await redis.hset(key, id, JSON.stringify(report));
  }

  async withdraw(): Promise<void> {
    await this.parts.redis.hdel(key, this.parts.instanceId);
  }

  async all(): Promise<InstanceReport[]> {
    const { redis } = this.parts;
    const found = await redis.hgetall(key).catch((error: unknown) => {
      throw problems.unavailable('redis', 1, error);
    });
    const reports = Object.values(found).map((text) => JSON.parse(text) as InstanceReport);
    const isStale = ({ seenAt }: InstanceReport) => Date.now() - Date.parse(seenAt) > staleMs;
    const gone = reports.filter(isStale).map(({ id }) => id);
    if (gone.length > 0) await redis.hdel(key, ...gone);
    return reports.filter((report) => !isStale(report)).sort((a, b) => (a.startedAt < b.startedAt ? -1 : 1));
  }
}
