/**
 * How the processes of some services are run, beside their settings. Whatever else runs them (an image, a unit of
 * systemd) should do the same.
 */
const options = {
  posts: {
    main: {
      // What is made for a request is of no use when it has been answered: the later new objects are looked at, the fewer
      // of them are still there to be moved. It is 5 to 10 % less CPU a read, for up to 144 MiB of memory.
      nodeArguments: ['--max-semi-space-size=64'],
      environment: {},
    },
  },
  realtime: {
    main: {
      // Memory for idle sockets is what V8 and the allocator hold in reserve rather than what the sockets are. Left to
      // itself the space for new objects grows to 100 MiB in a process with ten thousand sockets, and the heap to twice
      // of what is in use before it is looked at. Collections take one percent of what telling many costs either way.
      nodeArguments: ['--max-semi-space-size=8', '--heap-growing-percent=20'],
      // An arena for each thread of the pool and of the collector keeps what that thread once needed. What is larger than
      // the 64 KiB that each read is given goes back to the system when it is let go of, and leaves no holes: a long
      // event for each of many readers who have stalled.
      environment: { MALLOC_ARENA_MAX: '2', MALLOC_MMAP_THRESHOLD_: '65600' },
    },
  },
};

export function processOptions({ service, kind }) {
  return options[service]?.[kind] ?? { nodeArguments: [], environment: {} };
}
