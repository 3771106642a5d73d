-- Put back into the list, oldest first: jobs whose worker's lease ran out, and retries that are due.
-- Leases are only judged by a watch that goes on: when nobody looked for half a lease, Redis or all workers were
-- away, nobody could renew, and whoever still lives is given another lease to say so.
-- ARGV: how many of each at most, lease ms, lock ttl s
-- Returns how many {leases ran out, retries were due}.
local now, limit, lease = now_ms(), ARGV[1], tonumber(ARGV[2])
local was_watched = redis.call('SET', watch, '1', 'PX', math.floor(lease / 2), 'GET')
if not was_watched then
  for _, id in ipairs(redis.call('ZRANGE', leases, 0, -1)) do
    redis.call('ZADD', leases, 'GT', now + lease, id)
    redis.call('EXPIRE', lock_of(id), ARGV[3])
  end
end

local expired = redis.call('ZRANGEBYSCORE', leases, 0, now, 'LIMIT', 0, limit)
local due = redis.call('ZRANGEBYSCORE', later, 0, now, 'LIMIT', 0, limit)
for i = #due, 1, -1 do
  redis.call('ZREM', later, due[i])
  to_head(due[i])
end
for i = #expired, 1, -1 do
  release(expired[i])
  redis.call('HINCRBY', job_of(expired[i]), 'deaths', 1)
  to_head(expired[i])
end
return { #expired, #due }
