-- Find members of the processing set that no living worker holds, one step of a scan, and return them to the head of
-- the list if asked to. An expired lease counts only where nobody checks leases: elsewhere the workers return the job.
-- Without a lease, a lock is the sign of another kind of worker, and its document is left alone while the lock lives.
-- ARGV: cursor, how many members at about, '1' to return them
-- Returns {next cursor, id...}.
local now = now_ms()
local watched = redis.call('EXISTS', watch) == 1
local step = redis.call('SSCAN', processing, ARGV[1], 'COUNT', ARGV[2])
local found = { step[1] }
for _, id in ipairs(step[2]) do
  local lease = tonumber(redis.call('ZSCORE', leases, id) or nil)
  local abandoned
  if not is_id(id) then
    abandoned = false -- the next reap removes it
  elseif lease then
    abandoned = lease <= now and not watched
  else
    abandoned = not redis.call('ZSCORE', retries, id) and redis.call('EXISTS', lock_of(id)) == 0
  end
  if abandoned then
    found[#found + 1] = id
    if ARGV[3] == '1' then
      release(id)
      if lease then redis.call('HINCRBY', job_of(id), 'deaths', 1) end
      to_head(id)
    end
  end
end
return found
