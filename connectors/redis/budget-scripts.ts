/**
 * The counters of a UTC day as one hash, so that they are lost together or not at all:
 *
 * - `a:<agent>`, `t:<tenant>`: reserved and settled, as 12.345000000000
 * - `c:<costId>`: a call: [reserved | journaled, usd, agent, tenant] while it is open, 1 once it is settled
 * - `n:<costId>`: what a call came to that is not known here: the rebuild looks for it
 * - `#run`: the server's run id when the day was last known; another or none: the counters were lost
 * - `#next`: the next day was begun, or may have been: it does not begin at nothing again
 * - `#rebuild:<token>`: the run id at the beginning of a rebuild
 * - `#rebuilding`: the run id at the beginning of the last one, until the day is known
 *
 * Lua counts in binary fractions, exact for whole numbers up to 2^53. An amount is therefore two of them: dollars, and
 * picodollars below one dollar.
 */
import { redisScript } from './redis-script.ts';

const AMOUNTS = `
local function parts(text)
  local whole, fraction = string.match(text, '^(%d+)%.(%d+)$')
  return tonumber(whole), tonumber(fraction)
end
local function textOf(whole, fraction)
  return string.format('%.0f.%012.0f', whole, fraction)
end
local function add(a, b)
  local aw, af = parts(a)
  local bw, bf = parts(b)
  local whole, fraction = aw + bw, af + bf
  if fraction >= 1e12 then whole, fraction = whole + 1, fraction - 1e12 end
  return textOf(whole, fraction)
end
local function above(a, b)
  local aw, af = parts(a)
  local bw, bf = parts(b)
  return aw > bw or (aw == bw and af > bf)
end
local function minus(a, b)
  if not above(a, b) then return '0.000000000000' end
  local aw, af = parts(a)
  local bw, bf = parts(b)
  local whole, fraction = aw - bw, af - bf
  if fraction < 0 then whole, fraction = whole - 1, fraction + 1e12 end
  return textOf(whole, fraction)
end
local function runId()
  return string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
end
local function total(key, field)
  return redis.call('HGET', key, field) or '0.000000000000'
end
local function count(key, agent, tenant, usd)
  redis.call('HSET', key, 'a:' .. agent, add(total(key, 'a:' .. agent), usd))
  redis.call('HSET', key, 't:' .. tenant, add(total(key, 't:' .. tenant), usd))
end
local function uncount(key, agent, tenant, usd)
  redis.call('HSET', key, 'a:' .. agent, minus(total(key, 'a:' .. agent), usd))
  redis.call('HSET', key, 't:' .. tenant, minus(total(key, 't:' .. tenant), usd))
end
local function settleOpen(key, cost, known, usd)
  local open = cjson.decode(known)
  count(key, open[3], open[4], usd)
  uncount(key, open[3], open[4], open[2])
  redis.call('HSET', key, 'c:' .. cost, '1')
end
`;

/** Keys: the day, the day before. Values: costId, agent, tenant, usd, limits of agent and tenant or '', expiry. */
export const RESERVE = redisScript(`${AMOUNTS}
local day, before = KEYS[1], KEYS[2]
local cost, agent, tenant, usd, agentLimit, tenantLimit = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5], ARGV[6]
local run = runId()
if redis.call('HGET', day, '#run') ~= run then
  -- A day begins at nothing only after one that is known, and once.
  if redis.call('HEXISTS', day, '#run') == 1
    or redis.call('HGET', before, '#run') ~= run
    or redis.call('HSETNX', before, '#next', '1') == 0 then
    -- What nobody limits does not wait for a rebuild, which may have read past its place in the journal by now: it is counted here.
    if agentLimit ~= '' or tenantLimit ~= '' or redis.call('HGET', day, '#rebuilding') ~= run then
      return {'unknown', ''}
    end
  else
    redis.call('HSET', day, '#run', run)
    redis.call('PEXPIREAT', day, ARGV[7])
  end
end
local known = redis.call('HGET', day, 'c:' .. cost)
local state = known and known ~= '1' and cjson.decode(known)[1] or known
if state and state ~= 'journaled' then return {'allowed', ''} end
-- One that a rebuild found is counted, and was allowed only if it still fits.
local more = state and '0.000000000000' or usd
local function forbids(limit, field)
  return limit ~= '' and above(add(total(day, field), more), limit)
end
local function deny(whose, limit, field)
  -- It is never made now: what a rebuild counted for it is others' to spend.
  if state then
    local open = cjson.decode(known)
    uncount(day, open[3], open[4], open[2])
    redis.call('HDEL', day, 'c:' .. cost)
  end
  return {whose, minus(limit, total(day, field))}
end
if forbids(agentLimit, 'a:' .. agent) then return deny('agent', agentLimit, 'a:' .. agent) end
if forbids(tenantLimit, 't:' .. tenant) then return deny('tenant', tenantLimit, 't:' .. tenant) end
if state then usd = cjson.decode(known)[2] else count(day, agent, tenant, usd) end
redis.call('HSET', day, 'c:' .. cost, cjson.encode({'reserved', usd, agent, tenant}))
return {'allowed', ''}
`);

/** Keys: the day, the day before, the day after (clocks are apart). Values: costId, usd, expiry of each. */
export const SETTLE = redisScript(`${AMOUNTS}
local cost, usd = ARGV[1], ARGV[2]
for _, key in ipairs(KEYS) do
  local known = redis.call('HGET', key, 'c:' .. cost)
  if known == '1' then return 'again' end
  if known then
    settleOpen(key, cost, known, usd)
    return 'settled'
  end
end
local run = runId()
for at = 1, 2 do
  if redis.call('HGET', KEYS[at], '#run') ~= run then
    redis.call('HSETNX', KEYS[at], 'n:' .. cost, usd)
    redis.call('PEXPIREAT', KEYS[at], ARGV[2 + at])
  end
end
return 'unknown'
`);

/** Keys: the day. Values: token, expiry. */
export const BEGIN_REBUILD = redisScript(`${AMOUNTS}
local run = runId()
local held = redis.call('HGET', KEYS[1], '#run')
if held == run then return 'known' end
-- Of a server that came back with what it had written down some time ago.
if held then redis.call('DEL', KEYS[1]) end
redis.call('HSET', KEYS[1], '#rebuild:' .. ARGV[1], run, '#rebuilding', run)
redis.call('PEXPIREAT', KEYS[1], ARGV[2])
return 'begun'
`);

/** Keys: the day. Values: token, JSON of [costId, agent, tenant, usd, settled]. */
export const RESTORE = redisScript(`${AMOUNTS}
local day = KEYS[1]
local run = runId()
if redis.call('HGET', day, '#run') == run then return 'known' end
if redis.call('HGET', day, '#rebuild:' .. ARGV[1]) ~= run then return 'lost' end
for _, each in ipairs(cjson.decode(ARGV[2])) do
  local cost, agent, tenant, usd, settled = each[1], each[2], each[3], each[4], each[5]
  local known = redis.call('HGET', day, 'c:' .. cost)
  if not known then
    local noted = redis.call('HGET', day, 'n:' .. cost)
    if noted and not settled then usd, settled = noted, true end
    count(day, agent, tenant, usd)
    redis.call('HSET', day, 'c:' .. cost, settled and '1' or cjson.encode({'journaled', usd, agent, tenant}))
  elseif known ~= '1' and settled then
    settleOpen(day, cost, known, usd)
  end
end
return 'restored'
`);

/** Keys: the day. Values: token, the time from which the next day may have begun, milliseconds since 1970. */
export const SEAL = redisScript(`${AMOUNTS}
local day = KEYS[1]
local run = runId()
if redis.call('HGET', day, '#run') == run then return 'known' end
if redis.call('HGET', day, '#rebuild:' .. ARGV[1]) ~= run then return 'lost' end
-- In this order: a hash without fields is gone, and its expiry with it.
redis.call('HSET', day, '#run', run)
redis.call('HDEL', day, '#rebuild:' .. ARGV[1], '#rebuilding')
if tonumber(redis.call('TIME')[1]) * 1000 >= tonumber(ARGV[2]) then redis.call('HSET', day, '#next', '1') end
return 'sealed'
`);

/** Keys: the day. Values: fields. Answers whether the day is known, then each field's amount. */
export const SPENDING = redisScript(`${AMOUNTS}
local answer = {redis.call('HGET', KEYS[1], '#run') == runId() and '1' or '0'}
for _, field in ipairs(ARGV) do answer[#answer + 1] = total(KEYS[1], field) end
return answer
`);

/** Keys: days. They are to be counted anew. */
export const FORGET = redisScript(`
for _, key in ipairs(KEYS) do redis.call('HDEL', key, '#run') end
return 'forgotten'
`);
