-- Find members of the processing set that no living worker holds, and return them to the head of the list if asked
-- to. A lease that ran out counts only where nobody looks after leases: elsewhere the workers return the job.
-- Without a lease, a lock is the sign of another kind of worker, and its job is left alone while the lock lives.
-- ARGV: '1' to return them
-- Returns their ids.
local now, found = now_ms(), {}
local watched = redis.call('EXISTS', watch) == 1
for _, id in ipairs(redis.call('SMEMBERS', processing)) do
  local lease = tonumber(redis.call('ZSCORE', leases, id) or nil)
  local abandoned
  if lease then
    abandoned = lease <= now and not watched
  else
    abandoned = not redis.call('ZSCORE', retries, id) and redis.call('EXISTS', lock_of(id)) == 0
  end
  if abandoned then
    found[#found + 1] = id
    if ARGV[1] == '1' then
      release(id)
      if lease then redis.call('HINCRBY', job_of(id), 'deaths', 1) end
      to_head(id)
    end
  end
end
return found
