-- Put back into the list, oldest first: jobs whose worker's lease ran out, and retries that are due.
-- ARGV: how many of each at most, '1' when leases that ran out shall be looked at
-- Returns how many {leases ran out, retries were due}.
local now, limit = now_ms(), ARGV[1]
local expired = {}
if ARGV[2] == '1' then expired = redis.call('ZRANGEBYSCORE', leases, 0, now, 'LIMIT', 0, limit) end
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
