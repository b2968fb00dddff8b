import { hash } from 'node:crypto';

/**
 * A sliding window for each key: a list of the times, in milliseconds, of what the last window has admitted. No more
 * than the limit is ever admitted in any window, wherever it begins; a token bucket would admit nearly twice as much in
 * the first one. What is refused leaves no trace, so that a client who goes on asking is not kept out for longer, and
 * the moment when the next request is admitted is known as soon as the last one has been.
 *
 * All ends are touched at the ends of lists: the cost does not depend on the limit. Times are those of Redis, so that the
 * clocks of its clients do not matter. A list lives for two windows from when it was begun or an entry has left it:
 * who comes after the first of them renews it, since by then another entry leaves.
 *
 * KEYS: a list for each request that asks, or for each caller of whom something has been admitted already. ARGV: the
 * limit, the window; then, for each caller of the second kind, how much that was: it is counted, whatever the limit.
 * Answers two numbers for each key: how many more would be admitted now, or -1 where this one is refused, and in how
 * many milliseconds that grows.
 */
export const slidingWindowScript = `
local call = redis.call
local clock = call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local limit = tonumber(ARGV[1])
local window = tonumber(ARGV[2])
local counts = #ARGV > 2
-- Made once, and text already: a number would be made into text by each call.
local stamp = string.format('%.0f', now)
local one = { stamp }
local answers = {}
for i = 1, #KEYS do
  local key = KEYS[i]
  local times = one
  if counts and ARGV[2 + i] ~= '1' then
    times = {}
    for n = 1, tonumber(ARGV[2 + i]) do times[n] = stamp end
  end
  local count = call('RPUSH', key, unpack(times))
  local renewed = count == #times
  local oldest = now
  if not renewed then
    oldest = tonumber(call('LINDEX', key, 0))
    -- The clock was set back: what stands there would keep everybody out until it is there again.
    if oldest > now + 1000 then
      call('DEL', key)
      count = call('RPUSH', key, unpack(times))
      oldest = now
      renewed = true
    end
    while oldest <= now - window do
      call('LPOP', key)
      count = count - 1
      oldest = tonumber(call('LINDEX', key, 0))
      renewed = true
    end
  end
  local refused = count > limit and not counts
  if refused then
    call('RPOP', key)
    count = count - 1
  elseif renewed then
    call('PEXPIRE', key, 2 * window)
  end
  if count > limit then
    -- More than one has to leave before anybody is admitted.
    oldest = tonumber(call('LINDEX', key, count - limit))
  end
  answers[2 * i - 1] = refused and -1 or math.max(0, limit - count)
  answers[2 * i] = oldest + window - now
end
return answers`;

export const slidingWindowSha = hash('sha1', slidingWindowScript);
