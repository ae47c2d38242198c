/**
 * What happens to a session in one piece, in Lua. A session is a hash: a field `t:<execution>` for each turn, holding
 * `partition|offset|characters|JSON`, and `#turns`, `#characters`, `#last` (microseconds), `#moved:<partition>` (the last offset
 * that was moved on). Sessions stand in a sorted set by the millisecond in which they will have been quiet for long enough.
 */
import { MAX_SESSION_TTL_MS } from '../../schemas/memory-policy.ts';
import { redisScript } from './redis-script.ts';

/** KEYS session, due. ARGV field, partition, offset, characters, JSON, at (µs), ttl (ms), most turns, most characters, due (ms). */
export const WRITE_TURN = redisScript(`
local moved = redis.call('HGET', KEYS[1], '#moved:' .. ARGV[2])
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 1 or (moved and tonumber(ARGV[3]) <= tonumber(moved)) then
  local held = redis.call('HMGET', KEYS[1], '#turns', '#characters')
  return {0, tonumber(held[1] or 0), tonumber(held[2] or 0)}
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2] .. '|' .. ARGV[3] .. '|' .. ARGV[4] .. '|' .. ARGV[5])
local turns = redis.call('HINCRBY', KEYS[1], '#turns', 1)
local characters = redis.call('HINCRBY', KEYS[1], '#characters', ARGV[4])
if turns > tonumber(ARGV[8]) or characters > tonumber(ARGV[9]) then
  local all = redis.call('HGETALL', KEYS[1])
  local held = {}
  for at = 1, #all, 2 do
    local partition, offset, size = string.match(all[at + 1], '^(%d+)|(%d+)|(%d+)|')
    if partition and string.sub(all[at], 1, 2) == 't:' then
      held[#held + 1] = {all[at], partition, tonumber(offset), tonumber(size)}
    end
  end
  table.sort(held, function(a, b) return a[3] < b[3] end)
  local at = 1
  while at < #held and (turns > tonumber(ARGV[8]) or characters > tonumber(ARGV[9])) do
    redis.call('HDEL', KEYS[1], held[at][1])
    redis.call('HSET', KEYS[1], '#moved:' .. held[at][2], string.format('%.0f', held[at][3]))
    turns = turns - 1
    characters = characters - held[at][4]
    at = at + 1
  end
  redis.call('HSET', KEYS[1], '#turns', turns, '#characters', characters)
end
local last = redis.call('HGET', KEYS[1], '#last')
if not last or tonumber(ARGV[6]) >= tonumber(last) then
  redis.call('HSET', KEYS[1], '#last', ARGV[6])
  redis.call('ZADD', KEYS[2], ARGV[10], KEYS[1])
end
redis.call('PEXPIRE', KEYS[1], 2 * tonumber(ARGV[7]))
return {1, turns, characters}`);

/** KEYS session, complete. ARGV partition, run id. */
export const READ_SESSION = redisScript(`
local whole = redis.call('HGET', KEYS[2], ARGV[1]) == ARGV[2]
return {whole and 1 or 0, redis.call('HGETALL', KEYS[1])}`);

/**
 * KEYS session. ARGV then of each turn: field, and of those that must not come back also partition and offset, else ''. Where the
 * session was gone, what is noted of it must go as well.
 */
export const REMOVE_TURNS = redisScript(`
local removed = 0
for at = 1, #ARGV, 3 do
  local size = string.match(redis.call('HGET', KEYS[1], ARGV[at]) or '', '^%d+|%d+|(%d+)|')
  if size then
    redis.call('HDEL', KEYS[1], ARGV[at])
    redis.call('HINCRBY', KEYS[1], '#turns', -1)
    redis.call('HINCRBY', KEYS[1], '#characters', -tonumber(size))
    removed = removed + 1
  end
  if ARGV[at + 1] ~= '' then
    local field = '#moved:' .. ARGV[at + 1]
    local moved = redis.call('HGET', KEYS[1], field)
    if not moved or tonumber(ARGV[at + 2]) > tonumber(moved) then redis.call('HSET', KEYS[1], field, ARGV[at + 2]) end
  end
end
if redis.call('PTTL', KEYS[1]) == -1 then redis.call('PEXPIRE', KEYS[1], ${2 * MAX_SESSION_TTL_MS}) end
return removed`);

/** KEYS due. ARGV now (ms), lease (ms), most. */
export const CLAIM_DUE = redisScript(`
local found = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, ARGV[3])
for _, session in ipairs(found) do
  redis.call('ZADD', KEYS[1], tonumber(ARGV[1]) + tonumber(ARGV[2]), session)
end
return found`);

/** KEYS session, due. What was said in it meanwhile keeps it among the due ones. */
export const SETTLE_SESSION = redisScript(`
if tonumber(redis.call('HGET', KEYS[1], '#turns') or 0) <= 0 then redis.call('ZREM', KEYS[2], KEYS[1]) end
return 1`);
