-- Return members of the processing set that no worker holds to the list, one step of a scan. A member counts as such
-- once its time stamp is older than the limit (one that has none is stamped now). A lock without a lease belongs to a
-- worker of another kind: its document is left alone while the lock lives.
-- ARGV: cursor, how many members at about, limit ms
-- Returns {next cursor, how many returned}.
local now, limit, returned = now_ms(), tonumber(ARGV[3]), 0
local step = redis.call('SSCAN', processing, ARGV[1], 'COUNT', ARGV[2])
for _, id in ipairs(step[2]) do
  if not is_id(id) then
    redis.call('SREM', processing, id)
  elseif not redis.call('ZSCORE', leases, id) and not redis.call('ZSCORE', retries, id)
    and redis.call('EXISTS', lock_of(id)) == 0 then
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
return { step[1], returned }
