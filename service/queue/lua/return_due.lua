-- Put back into the list, oldest first: jobs whose lease expired, and retries that are due.
-- Leases are only judged while somebody checks them regularly: when nobody did for half a lease, Redis or all workers
-- were away and nobody could renew, so every lease is extended once (as many as there are jobs in work).
-- ARGV: how many of each at most, lease ms, lock TTL s
-- Returns {leases expired, retries were due, ms until something is due next or -1}.
local now, limit, lease = now_ms(), ARGV[1], tonumber(ARGV[2])
local was_watched = redis.call('SET', watch, '1', 'PX', math.floor(lease / 2), 'GET')
if not was_watched then
  for _, id in ipairs(redis.call('ZRANGE', leases, 0, -1)) do
    redis.call('ZADD', leases, 'GT', now + lease, id)
    redis.call('EXPIRE', lock_of(id), ARGV[3])
  end
end

-- Those of a set that are due, and the epoch ms at which the next one is.
local function due_of(set)
  local next_due = tonumber(redis.call('ZRANGE', set, 0, 0, 'WITHSCORES')[2])
  if not next_due or next_due > now then return {}, next_due end
  return redis.call('ZRANGEBYSCORE', set, 0, now, 'LIMIT', 0, limit), now
end

local expired, next_expired = due_of(leases)
local due, next_retry = due_of(retries)
for i = #due, 1, -1 do
  redis.call('ZREM', retries, due[i])
  to_head(due[i])
end
for i = #expired, 1, -1 do
  release(expired[i])
  redis.call('HINCRBY', job_of(expired[i]), 'deaths', 1)
  to_head(expired[i])
end
local next_due = math.min(next_expired or math.huge, next_retry or math.huge)
if cpu_queue then
  local settled, next_settled = due_of(claimed)
  for _, id in ipairs(settled) do
    redis.call('ZREM', claimed, id)
    clear_cpu_attempts(id)
  end
  next_due = math.min(next_due, next_settled or math.huge)
end
return { #expired, #due, next_due < math.huge and next_due - now or -1 }
