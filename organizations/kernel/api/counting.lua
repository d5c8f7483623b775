-- Count one request against every rule, or against none of them when one refuses it.
--
-- KEYS: one hash for each rule. ARGV, three for each rule: kind, limit, period in milliseconds.
--   second   a fixed window: limit requests in each period of the clock
--   rolling  limit requests within the latest period, remembered in sixty slots
--   bucket   limit tokens that fill up within a period; a request takes one
-- Returns: number of the rule that refused (0: none), milliseconds until it lets one through;
-- number of the tightest rule, what it has left, milliseconds until it has all of it.

local SLOTS = 60
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)

local kinds = {}

-- Each returns: how many are left, milliseconds until one more is, milliseconds until all are,
-- and a function that takes one.

function kinds.second(key, limit, period)
  local slot = math.floor(now / period)
  local known = redis.call('HMGET', key, 'slot', 'count')
  local count = tonumber(known[1]) == slot and tonumber(known[2]) or 0
  local rest = (slot + 1) * period - now
  return limit - count, rest, rest, function()
    redis.call('HSET', key, 'slot', slot, 'count', count + 1)
    redis.call('PEXPIRE', key, 2 * period)
  end
end

function kinds.rolling(key, limit, period)
  local width = period / SLOTS
  local slot = math.floor(now / width)
  local count, oldest, past = 0, slot, {}
  local known = redis.call('HGETALL', key)
  for i = 1, #known, 2 do
    local at = tonumber(known[i])
    if at < slot - SLOTS then
      past[#past + 1] = known[i]
    else
      count = count + tonumber(known[i + 1])
      oldest = math.min(oldest, at)
    end
  end
  local rest = (oldest + SLOTS + 1) * width - now
  return limit - count, rest, rest, function()
    if #past > 0 then redis.call('HDEL', key, unpack(past)) end
    redis.call('HINCRBY', key, slot, 1)
    redis.call('PEXPIRE', key, period + 2 * width)
  end
end

function kinds.bucket(key, limit, period)
  local known = redis.call('HMGET', key, 'tokens', 'at')
  local tokens = tonumber(known[1]) or limit
  tokens = math.min(limit, tokens + (now - (tonumber(known[2]) or now)) * limit / period)
  local one = period / limit
  return math.floor(tokens), (1 - tokens) * one, (limit - tokens) * one, function()
    redis.call('HSET', key, 'tokens', tostring(tokens - 1), 'at', now)
    redis.call('PEXPIRE', key, period)
  end
end

local takes, refused, wait = {}, 0, 0
local tightest, left, full, share = 1, 0, 0, math.huge
for i, key in ipairs(KEYS) do
  local limit = tonumber(ARGV[3 * i - 1])
  local free, one, all, take = kinds[ARGV[3 * i - 2]](key, limit, tonumber(ARGV[3 * i]))
  takes[i] = take
  if free < 1 and one > wait then
    refused, wait = i, one
  end
  if free / limit < share then
    tightest, left, full, share = i, free, all, free / limit
  end
end
if refused == 0 then
  for _, take in ipairs(takes) do take() end
  left = left - 1
end
return {refused, math.ceil(wait), tightest, math.max(left, 0), math.ceil(full)}
