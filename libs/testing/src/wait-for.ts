export interface WaitOptions {
  timeoutMs?: number;
  everyMs?: number;
  /** Named in the error when it does not come true. */
  what?: string;
}

/** What takes half a second takes ten where a process gets a twentieth of its time. Only a wait that fails takes this long. */
const patienceMs = 20_000;

/**
 * Resolves with the first truthy answer of a condition, asked again and again. While time is left an error counts as
 * "not yet"; when it is over, the last one is the cause.
 */
export async function waitFor<T>(
  condition: () => T | Promise<T>,
  { timeoutMs = patienceMs, everyMs = 10, what = 'the condition' }: WaitOptions = {},
): Promise<Exclude<Awaited<T>, false | 0 | '' | null | undefined>> {
  const deadline = Date.now() + timeoutMs;
  let lastError: unknown;
  for (;;) {
    try {
      const answer = await condition();
      if (answer) return answer as Exclude<Awaited<T>, false | 0 | '' | null | undefined>;
      lastError = undefined;
    } catch (error) {
      lastError = error;
    }
    if (Date.now() > deadline) {
      throw new Error(`${what} did not come true within ${timeoutMs} ms`, { cause: lastError });
    }
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}
