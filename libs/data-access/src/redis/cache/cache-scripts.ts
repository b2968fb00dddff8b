import { hash } from 'node:crypto';
import { Command } from 'ioredis';
import { unguarded } from '../guarded-commands';
import type { Redis } from '../redis';

export interface Script {
  lua: string;
  sha: string;
}

const script = (lua: string): Script => ({ lua, sha: hash('sha1', lua) });

const readClock = `
local clock = redis.call('TIME')
local clockMs = clock[1] * 1000 + math.floor(clock[2] / 1000)`;

/** They have one key, so that a cluster can run them, where nothing else is said. `entry.ts` says what the bytes mean. */
export const cacheScripts = {
  /**
   * Gives the caller the right to fill in a value, if what it has seen still stands there and nobody else has that
   * right. `keep`: beside the value that is there, which may still be served. Answers Redis's time, or what stands there
   * now.
   * For each of any number of keys. ARGV, of each: the head that was seen, a token, for how many ms, keep.
   */
  lease: script(`
${readClock}
local replies = {}
for i = 1, #KEYS do
  local key = KEYS[i]
  local seen, token, ms, keep = ARGV[4 * i - 3], ARGV[4 * i - 2], ARGV[4 * i - 1], ARGV[4 * i]
  local now = redis.call('GETRANGE', key, 0, 32)
  if now ~= seen or (#now == 33 and struct.unpack('>I6', now, 20) > clockMs) then
    replies[i] = redis.call('GET', key)
  else
    local lease = struct.pack('>I6', clockMs + ms) .. token
    if #now == 33 and keep == '1' then
      redis.call('SETRANGE', key, 19, lease)
    else
      redis.call('SET', key, string.rep('\\0', 19) .. lease, 'PX', ms)
    end
    replies[i] = clockMs
  end
end
return replies`),

  /**
   * Reads, and gives the caller the right to fill in a value where nothing stands: answers the entry, or Redis's time.
   * Where nothing can be written, it reads all the same. For each of any number of keys. ARGV: a token; for how many ms, of
   * all or of each.
   */
  readToLoad: script(`
${readClock}
local replies = redis.call('MGET', unpack(KEYS))
local ms, lease
for i = 1, #KEYS do
  if not replies[i] then
    local wanted = ARGV[i + 1] or ARGV[2]
    if ms ~= wanted then
      ms = wanted
      lease = string.rep('\\0', 19) .. struct.pack('>I6', clockMs + ms) .. ARGV[1]
    end
    if not redis.pcall('SET', KEYS[i], lease, 'PX', ms).err then replies[i] = clockMs end
  end
end
return replies`),

  /** Goes on holding a lease. ARGV: token, for how many ms from now. */
  renew: script(`
if redis.call('GETRANGE', KEYS[1], 25, 32) ~= ARGV[1] then return 0 end
${readClock}
redis.call('SETRANGE', KEYS[1], 19, struct.pack('>I6', clockMs + ARGV[2]))
if redis.call('GETRANGE', KEYS[1], 0, 0) == '\\0' then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return 1`),

  /**
   * Puts a value in, if the caller still holds the lease: a value that was read before a change, before Redis lost its
   * data or by somebody who was taken for dead is never put in after it. For each of any number of keys. ARGV, of
   * each: the entry, which has the lease's token, and for how many ms.
   */
  fill: script(`
local replies = {}
for i = 1, #KEYS do
  replies[i] = 0
  local entry = ARGV[2 * i - 1]
  if redis.call('GETRANGE', KEYS[i], 25, 32) == string.sub(entry, 26, 33) then
    redis.call('SET', KEYS[i], entry, 'PX', ARGV[2 * i])
    replies[i] = 1
  end
end
return replies`),

  /** Gives a lease up. ARGV: token. */
  release: script(`
if redis.call('GETRANGE', KEYS[1], 25, 32) ~= ARGV[1] then return 0 end
if redis.call('GETRANGE', KEYS[1], 0, 0) == '\\0' then return redis.call('DEL', KEYS[1]) end
redis.call('SETRANGE', KEYS[1], 19, string.rep('\\0', 14))
return 1`),

  /** Takes the value away and keeps others from being put in, beside all who do the same. ARGV: token, for how many ms. */
  fence: script(`
local others = ''
if redis.call('GETRANGE', KEYS[1], 0, 0) == '\\3' then others = redis.call('GETRANGE', KEYS[1], 1, -1) end
redis.call('SET', KEYS[1], '\\3' .. others .. ARGV[1], 'PX', ARGV[2])
return 1`),

  /** Takes away the caller's fence, or the value; the fences of others stay. ARGV: token. */
  clear: script(`
if redis.call('GETRANGE', KEYS[1], 0, 0) ~= '\\3' then return redis.call('DEL', KEYS[1]) end
local tokens = redis.call('GETRANGE', KEYS[1], 1, -1)
local left = ''
for i = 1, #tokens, 8 do
  local token = string.sub(tokens, i, i + 7)
  if token ~= ARGV[1] then left = left .. token end
end
if left == '' then return redis.call('DEL', KEYS[1]) end
if #left < #tokens then redis.call('SET', KEYS[1], '\\3' .. left, 'KEEPTTL') end
return 1`),

  /**
   * Lengthens the values that are there, of any number of keys. Whoever is loading one may have read before what is
   * appended was there: their lease ends. ARGV: a byte for each key, which says what is for it of what follows: the
   * bytes, and how long an entry may become before it is given up. One more key is that of a stream, which gets an entry
   * then; the last of ARGV are how long it may become, the entry's field and its value.
   */
  append: script(`
for i = 1, #ARGV[1] do
  local at = string.byte(ARGV[1], i) * 2
  local head = redis.call('GETRANGE', KEYS[i], 0, 32)
  local kind = string.sub(head, 1, 1)
  if kind == '\\1' then
    if redis.call('APPEND', KEYS[i], ARGV[at]) > tonumber(ARGV[at + 1]) then
      redis.call('DEL', KEYS[i])
    elseif string.sub(head, 20, 33) ~= string.rep('\\0', 14) then
      redis.call('SETRANGE', KEYS[i], 19, string.rep('\\0', 14))
    end
  elseif kind == '\\0' or kind == '\\2' then
    redis.call('DEL', KEYS[i])
  end
end
if #KEYS > #ARGV[1] then
  redis.call('XADD', KEYS[#KEYS], 'MAXLEN', '~', ARGV[#ARGV - 2], '*', ARGV[#ARGV - 1], ARGV[#ARGV])
end
return 1`),
};

type Arguments = readonly [key: string, ...rest: (string | number | Buffer)[]];

/** Replies are bytes. */
export function runScript(redis: Redis, script: Script, args: Arguments): Promise<unknown> {
  return run(script, (name, code) => redis.sendCommand(new Command(name, [code, 1, ...args])));
}

/** One that takes any number of keys, which in a cluster must be of one slot. */
export function runOnKeys(
  redis: Redis,
  script: Script,
  { keys, args }: { keys: readonly string[]; args: readonly (string | number | Buffer)[] },
): Promise<unknown> {
  return run(script, (name, code) =>
    redis.sendCommand(new Command(name, [code, keys.length, ...keys, ...args])),
  );
}

/**
 * Past the guard: a process whose breaker is open must still be able to say that a value has changed, for others go on
 * reading.
 */
export function runUnguarded(redis: Redis, script: Script, args: Arguments): Promise<unknown> {
  return run(script, (name, code) =>
    unguarded(redis, () => redis.sendCommand(new Command(name, [code, 1, ...args]))),
  );
}

async function run({ lua, sha }: Script, send: (name: string, code: string) => unknown): Promise<unknown> {
  try {
    return await send('evalsha', sha);
  } catch (error) {
    if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error;
    return send('eval', lua);
  }
}
