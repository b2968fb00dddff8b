import { setTimeout as delay } from 'node:timers/promises';

/** Resolves with the first truthy answer of a check, asked again and again; rejects when the time is over. */
export async function waitUntil(check, { timeoutMs, everyMs = 25, what = 'the condition' }) {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const answer = await check();
    if (answer) return answer;
    if (Date.now() > deadline) throw new Error(`${what} did not come true within ${timeoutMs} ms`);
    await delay(everyMs);
  }
}
