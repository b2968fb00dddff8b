import { createHash } from 'node:crypto';

export interface Script {
  lua: string;
  sha: string;
}

function script(lua: string): Script {
  return { lua, sha: createHash('sha1').update(lua).digest('hex') };
}

/**
 * KEYS[1] is the head: a hash of the epoch, the last offset and the run of the server that wrote them. A server that
 * has been restarted, or has taken over from another, may have lost the newest entries and would give their offsets
 * away again: what was written in another run is another epoch.
 */
const head = `
local function run() return string.match(redis.call('INFO', 'server'), 'run_id:(%x+)') end
local function position()
  local found = redis.call('HMGET', KEYS[1], 'epoch', 'n', 'run')
  if found[1] and found[3] == run() then return found[1], tonumber(found[2]) end
end
`;

/**
 * Puts an entry into the log KEYS[2] and tells the processes, in one step, so that what is heard comes in the order of
 * the log. Does nothing where nobody has opened the channel: no client can have a position in it then.
 * ARGV: text, redis channel, most entries, most age in ms. Returns epoch and offset, or nil.
 */
export const appendScript = script(`${head}
local epoch = position()
if not epoch then return false end
local n = string.format('%.0f', redis.call('HINCRBY', KEYS[1], 'n', 1))
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local at = string.format('%.0f', now)
redis.call('XADD', KEYS[2], 'MAXLEN', ARGV[3], n .. '-' .. at, 'e', ARGV[1])
local oldest = redis.call('XRANGE', KEYS[2], '-', '+', 'COUNT', 3)
local keep
for _, entry in ipairs(oldest) do
  keep = entry[1]
  if now - tonumber(string.match(keep, '%-(%d+)$')) <= tonumber(ARGV[4]) then break end
end
if keep ~= oldest[1][1] then redis.call('XTRIM', KEYS[2], 'MINID', keep) end
redis.call('PEXPIRE', KEYS[2], ARGV[4])
redis.call('PUBLISH', ARGV[2], epoch .. ' ' .. n .. ' ' .. at .. ' ' .. ARGV[1])
return {epoch, tonumber(n)}
`);

/**
 * Opens the channel unless it is open, and keeps it so. ARGV: the epoch if a new one begins, for how many ms, and the
 * offset after which entries are wanted, with their number. Returns epoch, last offset, and the entries.
 */
export const readScript = script(`${head}
local epoch, n = position()
if not epoch then
  epoch, n = ARGV[1], 0
  redis.call('DEL', KEYS[1], KEYS[2])
  redis.call('HSET', KEYS[1], 'epoch', epoch, 'n', 0, 'run', run())
end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
local after = tonumber(ARGV[3])
if after >= n then return {epoch, n, {}} end
local first = string.format('%.0f', after + 1) .. '-0'
return {epoch, n, redis.call('XRANGE', KEYS[2], first, '+', 'COUNT', ARGV[4])}
`);

/**
 * Where several channels stand, and keeps them open. KEYS: their heads. ARGV: for how many ms. Returns epoch and last
 * offset of each, with an empty epoch for what is not open.
 */
export const positionsScript = script(`
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
local answer = {}
for i, key in ipairs(KEYS) do
  local found = redis.call('HMGET', key, 'epoch', 'n', 'run')
  local open = found[1] and found[3] == run
  if open then redis.call('PEXPIRE', key, ARGV[1]) end
  answer[2 * i - 1] = open and found[1] or ''
  answer[2 * i] = open and tonumber(found[2]) or 0
end
return answer
`);
