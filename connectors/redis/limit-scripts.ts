/**
 * What happens to the limits of a provider in one piece, in Lua; the time is the server's. Of a model: `calls`, a sorted set of
 * what went in the last minute by its millisecond; `tokens`, a hash of what each counts for, with the sum under `#sum`; `queue`, a
 * sorted set of the workers that wait in the order they came (`#came` counts it); `leases`, until when each of them is believed to
 * wait. The same decisions as limiter-state's `admit`, which the tests hold them against.
 */
import { redisScript } from './redis-script.ts';

/**
 * KEYS hold, calls, tokens, queue, leases. ARGV requests a minute and tokens a minute ('' for any number), window (ms), worker,
 * lease (ms), then of each call: id, tokens. Answers held (ms), refusals, how many calls may go, ms until the oldest is forgotten.
 */
export const TAKE_PLACES = redisScript(`
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local hold = redis.call('GET', KEYS[1])
local refusals = 0
if hold then
  local held = cjson.decode(hold)
  refusals = held['refusals']
  if held['until'] > now then return {math.ceil(held['until'] - now), refusals, 0, 0} end
end
local mostCalls, mostTokens, window = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local asked = (#ARGV - 5) / 2
if not mostCalls and not mostTokens then return {0, refusals, asked, 0} end
for _, gone in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now - window)) do
  redis.call('HINCRBY', KEYS[3], '#sum', -tonumber(redis.call('HGET', KEYS[3], gone) or 0))
  redis.call('HDEL', KEYS[3], gone)
  redis.call('ZREM', KEYS[2], gone)
end
for _, gone in ipairs(redis.call('ZRANGEBYSCORE', KEYS[5], '-inf', now)) do
  redis.call('ZREM', KEYS[4], gone)
  redis.call('ZREM', KEYS[5], gone)
end
local taken = 0
local first = redis.call('ZRANGE', KEYS[4], 0, 0)[1]
if not first or first == ARGV[4] then
  local calls = redis.call('ZCARD', KEYS[2])
  local tokens = tonumber(redis.call('HGET', KEYS[3], '#sum') or 0)
  for at = 6, #ARGV, 2 do
    local counted = tonumber(ARGV[at + 1])
    -- Over the whole limit, it is measured as if it were just the limit: it goes alone.
    local wanted = mostTokens and math.min(counted, mostTokens) or counted
    if mostCalls and calls >= mostCalls or mostTokens and tokens + wanted > mostTokens then break end
    redis.call('ZADD', KEYS[2], now, ARGV[at])
    redis.call('HSET', KEYS[3], ARGV[at], ARGV[at + 1])
    redis.call('HINCRBY', KEYS[3], '#sum', ARGV[at + 1])
    calls, tokens, taken = calls + 1, tokens + counted, taken + 1
  end
end
if taken > 0 or taken == asked then redis.call('ZREM', KEYS[4], ARGV[4]) end
if taken == asked then
  redis.call('ZREM', KEYS[5], ARGV[4])
else
  -- Whoever was served stands behind the others that wait.
  redis.call('ZADD', KEYS[4], 'NX', redis.call('HINCRBY', KEYS[3], '#came', 1), ARGV[4])
  redis.call('ZADD', KEYS[5], now + tonumber(ARGV[5]), ARGV[4])
end
for at = 2, 5 do redis.call('PEXPIRE', KEYS[at], 2 * window) end
local oldest = redis.call('ZRANGE', KEYS[2], 0, 0, 'WITHSCORES')[2]
return {0, refusals, taken, oldest and oldest + window - now or window}`);

/** KEYS calls, tokens. ARGV id, what it used; '' for a call that was not made. One that went longer ago is forgotten already. */
export const SETTLE_PLACE = redisScript(`
local held = redis.call('HGET', KEYS[2], ARGV[1])
if not held then return 0 end
redis.call('HINCRBY', KEYS[2], '#sum', (tonumber(ARGV[2]) or 0) - tonumber(held))
if ARGV[2] == '' then
  redis.call('ZREM', KEYS[1], ARGV[1])
  redis.call('HDEL', KEYS[2], ARGV[1])
else
  redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
end
return 1`);
