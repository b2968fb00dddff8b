const reasons = { SIGINT: 'Ctrl-C', SIGTERM: 'SIGTERM', SIGHUP: 'the terminal was closed' };

/** Tells of every request to stop, with its reason: signals, and the death of the process that started us. */
export function onStopRequest(listener) {
  for (const [signal, reason] of Object.entries(reasons)) process.on(signal, () => listener(reason));
  if (!process.channel) return;
  process.once('disconnect', () => listener('whoever started this is gone'));
  // Listening must not keep the process alive.
  process.channel.unref();
}
