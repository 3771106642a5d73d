-- Mend what no lease explains. Members of the processing set without a worker return to the list once their time
-- stamp is older than the limit (one that has none is stamped now); fields of ended jobs are removed when the caller
-- has seen them orphaned before.
-- ARGV: limit ms, ids seen orphaned last time...
-- Returns {how many returned, ids orphaned now...}.
local now, limit = now_ms(), tonumber(ARGV[1])
local returned = 0
for _, id in ipairs(redis.call('SMEMBERS', processing)) do
  if not redis.call('ZSCORE', leases, id) and not redis.call('ZSCORE', retries, id) then
    local since = tonumber(redis.call('HGET', timestamps, id))
    if not since then
      redis.call('HSET', timestamps, id, now)
    elseif now - since >= limit then
      release(id)
      to_head(id)
      returned = returned + 1
    end
  end
end

local known = {}
for _, id in ipairs(redis.call('LRANGE', queue, 0, -1)) do known[id] = true end
for _, id in ipairs(redis.call('SMEMBERS', processing)) do known[id] = true end
local seen_before = {}
for i = 2, #ARGV do seen_before[ARGV[i]] = true end
local answer = { returned }
for _, hash in ipairs({ attempts, correlation, timestamps }) do
  for _, id in ipairs(redis.call('HKEYS', hash)) do
    if not known[id] then
      if seen_before[id] then redis.call('HDEL', hash, id) else answer[#answer + 1] = id end
    end
  end
end
return answer
