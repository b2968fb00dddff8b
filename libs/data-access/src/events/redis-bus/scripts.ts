/** What has to be one step. Each is about one stream, given as KEYS[1]. */

/** `oldest(group)`: the id of the oldest entry that the group has not acknowledged, or nothing. */
const oldestOfGroup = `
local function field(info, name)
  for i = 1, #info, 2 do if info[i] == name then return info[i + 1] end end
end
local function oldest(info)
  local pending = redis.call('XPENDING', KEYS[1], field(info, 'name'), '-', '+', 1)
  if pending[1] then return pending[1][1] end
  local unread = redis.call('XRANGE', KEYS[1], '(' .. field(info, 'last-delivered-id'), '+', 'COUNT', 1)
  return unread[1] and unread[1][1]
end
local function before(a, b)
  local ams, aseq = string.match(a, '^(%d+)%-(%d+)$')
  local bms, bseq = string.match(b, '^(%d+)%-(%d+)$')
  ams, aseq, bms, bseq = tonumber(ams), tonumber(aseq), tonumber(bms), tonumber(bseq)
  return ams < bms or (ams == bms and aseq < bseq)
end
local function oldestOfAll()
  local found = false
  for _, info in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
    local id = oldest(info)
    if id and (not found or before(id, found)) then found = id end
  end
  return found
end
if redis.call('EXISTS', KEYS[1]) == 0 then return false end
`;

/** The id of the oldest entry that some group has not acknowledged; nil where there is none. */
export const oldestUnacknowledgedScript = `${oldestOfGroup} return oldestOfAll()`;

/**
 * Removes entries older than ARGV[1], an id, unless some group has not acknowledged them. Looking and removing are one
 * step: a group that is made in between begins at the stream's first entry.
 */
export const trimScript = `${oldestOfGroup}
local limit = ARGV[1]
local needed = oldestOfAll()
if needed and before(needed, limit) then limit = needed end
return redis.call('XTRIM', KEYS[1], 'MINID', '~', limit, 'LIMIT', ARGV[2])
`;

/** Those of the ids in ARGV that the stream does not hold. */
export const missingScript = `
local missing = {}
for _, id in ipairs(ARGV) do
  if #redis.call('XRANGE', KEYS[1], id, id) == 0 then missing[#missing + 1] = id end
end
return missing
`;

/** Removes the consumer ARGV[2] of the group ARGV[1] if it holds nothing. Returns how many entries it holds. */
export const removeConsumerScript = `
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
for _, info in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
  if info[2] == ARGV[1] then
    local held = #redis.call('XPENDING', KEYS[1], ARGV[1], '-', '+', 1, ARGV[2])
    if held == 0 then redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], ARGV[2]) end
    return held
  end
end
return 0
`;

/** Moves the entry ARGV[1] to the end of the stream KEYS[2], without its field "story". Returns whether it was there. */
export const replayScript = `
local found = redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1])
if #found == 0 then return 0 end
local fields = {}
local all = found[1][2]
for i = 1, #all, 2 do
  if all[i] ~= 'story' then fields[#fields + 1] = all[i]; fields[#fields + 1] = all[i + 1] end
end
redis.call('XADD', KEYS[2], '*', unpack(fields))
redis.call('XDEL', KEYS[1], ARGV[1])
return 1
`;
