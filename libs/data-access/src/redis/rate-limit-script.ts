import { hash } from 'node:crypto';

/**
 * A sliding window for each key: a list of the times, in milliseconds, of what the last window has admitted. No more
 * than the limit is ever admitted in any window, wherever it begins; a token bucket would admit nearly twice as much in
 * the first one. What is refused leaves no trace, so that a client who goes on asking is not kept out for longer, and
 * the moment when the next request is admitted is known as soon as the last one has been.
 *
 * All ends are touched at the ends of lists: the cost does not depend on the limit. Times are those of Redis, so that the
 * clocks of its clients do not matter.
 *
 * KEYS: a list for each request. ARGV: the limit, the window. Answers two numbers for each key: how many more would be
 * admitted now, or -1 where this one is refused, and in how many milliseconds that grows.
 */
export const slidingWindowScript = `
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local limit = tonumber(ARGV[1])
local window = tonumber(ARGV[2])
local answers = {}
for i = 1, #KEYS do
  local key = KEYS[i]
  local count = redis.call('RPUSH', key, now)
  local oldest = now
  if count > 1 then
    oldest = tonumber(redis.call('LINDEX', key, 0))
    -- The clock was set back: what stands there would keep everybody out until it is there again.
    if oldest > now + 1000 then
      redis.call('DEL', key)
      count = redis.call('RPUSH', key, now)
      oldest = now
    end
    while oldest <= now - window do
      redis.call('LPOP', key)
      count = count - 1
      oldest = tonumber(redis.call('LINDEX', key, 0))
    end
  end
  if count > limit then
    redis.call('RPOP', key)
    answers[2 * i - 1] = -1
  else
    redis.call('PEXPIRE', key, window)
    answers[2 * i - 1] = limit - count
  end
  answers[2 * i] = oldest + window - now
end
return answers`;

export const slidingWindowSha = hash('sha1', slidingWindowScript);
