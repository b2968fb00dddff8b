/**
 * How the processes of some services are run, beside their settings. Whatever else runs them (an image, a unit of
 * systemd) should do the same.
 */
const options = {
  realtime: {
    main: {
      // Memory for idle sockets is what V8 and the allocator hold in reserve rather than what the sockets are. Left to
      // itself the space for new objects grows to 100 MiB in a process with ten thousand sockets, and the heap to twice
      // of what is in use before it is looked at. Collections take one percent of what telling many costs either way.
      nodeArguments: ['--max-semi-space-size=8', '--heap-growing-percent=20'],
      // An arena for each thread of the pool and of the collector keeps what that thread once needed.
      environment: { MALLOC_ARENA_MAX: '2' },
    },
  },
};

export function processOptions({ service, kind }) {
  return options[service]?.[kind] ?? { nodeArguments: [], environment: {} };
}
