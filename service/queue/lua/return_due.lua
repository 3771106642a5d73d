-- Put back into the list, oldest first: jobs whose lease expired, and retries that are due.
-- Leases are only judged while somebody checks them regularly: when nobody did for half a lease, Redis or all workers
-- were away and nobody could renew, so every lease is extended once.
-- ARGV: how many of each at most, lease ms, lock TTL s
-- Returns how many {leases expired, retries were due}.
local now, limit, lease = now_ms(), ARGV[1], tonumber(ARGV[2])
local was_watched = redis.call('SET', watch, '1', 'PX', math.floor(lease / 2), 'GET')
if not was_watched then
  for _, id in ipairs(redis.call('ZRANGE', leases, 0, -1)) do
    redis.call('ZADD', leases, 'GT', now + lease, id)
    redis.call('EXPIRE', lock_of(id), ARGV[3])
  end
end

local expired = redis.call('ZRANGEBYSCORE', leases, 0, now, 'LIMIT', 0, limit)
local due = redis.call('ZRANGEBYSCORE', retries, 0, now, 'LIMIT', 0, limit)
for i = #due, 1, -1 do
  redis.call('ZREM', retries, due[i])
  to_head(due[i])
end
for i = #expired, 1, -1 do
  release(expired[i])
  redis.call('HINCRBY', job_of(expired[i]), 'deaths', 1)
  to_head(expired[i])
end
if cpu_queue then
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', claimed, 0, now, 'LIMIT', 0, limit)) do
    redis.call('ZREM', claimed, id)
    clear_cpu_attempts(id)
  end
end
return { #expired, #due }
