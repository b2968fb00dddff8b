import { AppError, problems } from '@rostrum/errors';

/** What can go wrong with events, by code. */
export const eventErrors = {
  /** Passes when the groups have handled some. */
  streamIsFull: (stream: string) =>
    new AppError({
      code: 'EVENT_STREAM_FULL',
      status: 503,
      title: 'The event stream is full',
      detail: `${stream} holds as many events as it may; no more are published until its groups have handled some`,
    }),
  memberHoldsEvents: (member: string) =>
    problems.conflict(
      'MEMBER_HOLDS_EVENTS',
      `${member} holds events that are not acknowledged; they would be lost with it`,
    ),
  /** Somebody else handles the partition now. */
  leaseLost: () => problems.conflict('LEASE_LOST', 'The lease of a partition is no longer ours'),
  handlerTimeout: (ms: number) =>
    new AppError({
      code: 'HANDLER_TIMEOUT',
      status: 500,
      title: 'A handler took too long',
      detail: `The handler was not done after ${ms} ms`,
    }),
  unreadable: () => problems.badRequest('UNREADABLE', 'What lies in the stream is no event'),
  abandoned: () =>
    problems.conflict('ABANDONED', 'Each process that began to handle it ended before it was done'),
};

export function isLeaseLost(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'LEASE_LOST';
}
