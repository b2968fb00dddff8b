import { Session } from 'node:inspector/promises';
import { isLogLevel, type RostrumLogger } from '@rostrum/observability';

export interface OpsReply {
  status: number;
  body?: object;
  text?: string;
  contentType?: string;
}

export type AdminAction = (query: URLSearchParams) => OpsReply | Promise<OpsReply>;

const longestProfileSeconds = 60;

/** What an operator may do to any process. */
export function adminActions(logger: RostrumLogger): Record<string, AdminAction> {
  return {
    'GET /admin/log-level': () => ({ status: 200, body: { level: logger.currentLevel() } }),
    'PUT /admin/log-level': (query) => {
      const level = query.get('level') ?? '';
      if (!isLogLevel(level))
        return { status: 400, body: { error: '?level= must be fatal, error, warn, info or debug' } };
      logger.warn(`The log level is now ${level}`, { before: logger.currentLevel() });
      logger.setLevel(level);
      return { status: 200, body: { level } };
    },
    'POST /admin/cpu-profile': (query) => cpuProfile(Number(query.get('seconds') ?? 10)),
    'POST /admin/heap-profile': (query) => heapProfile(Number(query.get('seconds') ?? 10)),
  };
}

async function cpuProfile(seconds: number): Promise<OpsReply> {
  return profile(seconds, async (session, wait) => {
    await session.post('Profiler.enable');
    await session.post('Profiler.start');
    await wait();
    return (await session.post('Profiler.stop')).profile;
  });
}

/** Samples allocations; unlike a heap snapshot it neither stops the process nor carries its data. */
async function heapProfile(seconds: number): Promise<OpsReply> {
  return profile(seconds, async (session, wait) => {
    await session.post('HeapProfiler.startSampling');
    await wait();
    return (await session.post('HeapProfiler.stopSampling')).profile;
  });
}

async function profile(
  seconds: number,
  record: (session: Session, wait: () => Promise<void>) => Promise<object>,
): Promise<OpsReply> {
  if (!(seconds > 0 && seconds <= longestProfileSeconds)) {
    return { status: 400, body: { error: `?seconds= must be between 0 and ${longestProfileSeconds}` } };
  }
  const session = new Session();
  session.connect();
  try {
    return {
      status: 200,
      body: await record(session, () => new Promise((done) => setTimeout(done, seconds * 1000))),
    };
  } finally {
    session.disconnect();
  }
}
