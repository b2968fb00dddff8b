import { readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import {
  constants,
  monitorEventLoopDelay,
  performance,
  PerformanceObserver,
  type PerformanceEntry,
} from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

const LAG_RESOLUTION_MS = 10;
const LAG_WINDOW_MS = 5000;
const OPEN_FILES_WINDOW_MS = 10_000;
const GC_BUCKETS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1];

type Registers = Registry[];

/** Ends what a group of metrics keeps running. */
type Stop = () => void;

const lagStatistics = ['min', 'max', 'mean', 'stddev', 'p50', 'p90', 'p99'] as const;
type LagStatistic = (typeof lagStatistics)[number];

/** Lag over a window of some seconds, so that two scrapers do not take each other's figures away. */
function eventLoopLag(registers: Registers): Stop {
  const delay = monitorEventLoopDelay({ resolution: LAG_RESOLUTION_MS });
  delay.enable();
  const seconds = (nanoseconds: number) => Math.max(0, (nanoseconds || 0) / 1e9 - LAG_RESOLUTION_MS / 1000);
  const read = (): Record<LagStatistic, number> => ({
    min: delay.count === 0 ? 0 : seconds(delay.min),
    max: seconds(delay.max),
    mean: seconds(delay.mean),
    stddev: (delay.stddev || 0) / 1e9,
    p50: seconds(delay.percentile(50)),
    p90: seconds(delay.percentile(90)),
    p99: seconds(delay.percentile(99)),
  });
  let window = read();
  let utilization = performance.eventLoopUtilization();
  let busy = 0;
  let since = -Infinity;
  const roll = () => {
    if (performance.now() - since < LAG_WINDOW_MS) return;
    since = performance.now();
    window = read();
    delay.reset();
    const now = performance.eventLoopUtilization();
    busy = performance.eventLoopUtilization(now, utilization).utilization;
    utilization = now;
  };
  for (const statistic of lagStatistics)
    new Gauge({
      name: `nodejs_eventloop_lag_${statistic}_seconds`,
      help: `Event loop lag, ${statistic} of the last seconds.`,
      registers,
      collect() {
        roll();
        this.set(window[statistic]);
      },
    });
  new Gauge({
    name: 'nodejs_eventloop_utilization_ratio',
    help: 'Share of the last seconds in which the event loop was busy.',
    registers,
    collect() {
      roll();
      this.set(busy);
    },
  });
  return () => delay.disable();
}

const gcKinds: Record<number, string> = {
  [constants.NODE_PERFORMANCE_GC_MINOR]: 'minor',
  [constants.NODE_PERFORMANCE_GC_MAJOR]: 'major',
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL]: 'incremental',
  [constants.NODE_PERFORMANCE_GC_WEAKCB]: 'weakcb',
};

/** What Node gives for the entry type 'gc'. */
type GcEntry = PerformanceEntry & { detail: { kind: number } };

function garbageCollection(registers: Registers): Stop {
  const pauses = new Histogram({
    name: 'nodejs_gc_duration_seconds',
    help: 'Pauses for garbage collection, by kind.',
    labelNames: ['kind'],
    buckets: GC_BUCKETS,
    registers,
  });
  for (const kind of Object.values(gcKinds)) pauses.zero({ kind });
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries() as GcEntry[]) {
      pauses.observe({ kind: gcKinds[entry.detail.kind] ?? 'other' }, entry.duration / 1000);
    }
  });
  observer.observe({ entryTypes: ['gc'] });
  return () => observer.disconnect();
}

/** One reading serves all gauges of a scrape. */
function memory(registers: Registers): void {
  let used = process.memoryUsage();
  const gauges: [name: string, help: string, read: () => number][] = [
    ['process_resident_memory_bytes', 'Resident memory.', () => (used = process.memoryUsage()).rss],
    ['nodejs_heap_size_total_bytes', 'Heap taken from the system.', () => used.heapTotal],
    ['nodejs_heap_size_used_bytes', 'Heap in use.', () => used.heapUsed],
    [
      'nodejs_heap_size_limit_bytes',
      'The most the heap may grow to.',
      () => getHeapStatistics().heap_size_limit,
    ],
    ['nodejs_external_memory_bytes', 'Memory outside the heap held by objects in it.', () => used.external],
    ['nodejs_array_buffers_bytes', 'Memory of buffers.', () => used.arrayBuffers],
  ];
  for (const [name, help, read] of gauges)
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });
}

/** The first counter reads for all three: a scrape asks the metrics in the order of their making. */
function processorTime(registers: Registers): void {
  let before = { user: 0, system: 0 };
  const user = new Counter({
    name: 'process_cpu_user_seconds_total',
    help: 'Processor time in user mode.',
    registers,
    collect() {
      const now = process.cpuUsage();
      user.inc((now.user - before.user) / 1e6);
      system.inc((now.system - before.system) / 1e6);
      both.inc((now.user - before.user + now.system - before.system) / 1e6);
      before = now;
    },
  });
  const system = new Counter({
    name: 'process_cpu_system_seconds_total',
    help: 'Processor time in the kernel.',
    registers,
  });
  const both = new Counter({ name: 'process_cpu_seconds_total', help: 'Processor time.', registers });
}

function identity(registers: Registers): void {
  new Gauge({
    name: 'process_start_time_seconds',
    help: 'When the process started, in seconds since 1970.',
    registers,
  }).set(Math.round(performance.timeOrigin / 1000));
  new Gauge({ name: 'nodejs_version_info', help: 'The runtime.', labelNames: ['version'], registers })
    .labels(process.version)
    .set(1);
}

function maxOpenFiles(): number | undefined {
  try {
    const limit = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1];
    return limit === undefined ? undefined : Number(limit);
  } catch {
    return undefined; // not Linux
  }
}

function openFiles(registers: Registers): void {
  const limit = maxOpenFiles();
  if (limit === undefined) return;
  let countedAt = -Infinity;
  new Gauge({
    name: 'process_open_fds',
    help: 'Open files and sockets.',
    registers,
    async collect() {
      if (performance.now() - countedAt < OPEN_FILES_WINDOW_MS) return;
      countedAt = performance.now();
      this.set((await readdir('/proc/self/fd')).length);
    },
  });
  new Gauge({ name: 'process_max_fds', help: 'The most files and sockets it may open.', registers }).set(
    limit,
  );
}

/** Registers what every process measures of itself; the returned function ends it. */
export function collectProcessMetrics(registry: Registry): Stop {
  const registers = [registry];
  const stops = [eventLoopLag(registers), garbageCollection(registers)];
  memory(registers);
  processorTime(registers);
  openFiles(registers);
  identity(registers);
  return () => stops.forEach((stop) => stop());
}
