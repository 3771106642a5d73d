-- Fetch the oldest waiting document. Sent again with the same token (the reply was lost), it returns the same job.
-- ARGV: token, lease ms, lock TTL s, job id and correlation id to use where there is none yet, max attempts
-- Returns {id, job_id, correlation id, attempts, deferrals, fence, deaths, device, '1' when its attempts were used
--   up before this fetch} or false when nothing waits.
local token, lease, lock_ttl, max_attempts = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[6])
local now = now_ms()

local function describe(id)
  local job = redis.call('HMGET', job_of(id), 'job_id', 'attempts', 'deferrals', 'fence', 'deaths', 'device', 'used_up')
  return { id, job[1], redis.call('HGET', correlation, id), job[2], job[3] or '0', job[4], job[5] or '0',
    job[6] or '', job[7] or '' }
end

-- Remove the next id from its list: the own list first, then the CPU pipeline's, where that is a source.
-- Returns the id or false, and whether it came from the CPU pipeline.
local function pop()
  local id = redis.call('LPOP', queue)
  if id or not cpu_queue then return id, false end
  return redis.call('LPOP', cpu_queue), true
end

local function start(id)
  redis.call('ZREM', retries, id)
  redis.call('HSETNX', job_of(id), 'job_id', ARGV[4])
  local count = tonumber(redis.call('HGET', job_of(id), 'attempts') or 0)
  if count >= max_attempts then
    redis.call('HSET', job_of(id), 'used_up', '1') -- fetched only to be failed for good
  else
    count = count + 1
  end
  redis.call('HSET', job_of(id), 'attempts', count, 'token', token, 'fence', now)
  redis.call('HSET', attempts, id, count)
  redis.call('HSET', timestamps, id, now)
  redis.call('HSET', tokens, token, id)
  redis.call('ZADD', leases, now + lease, id)
end

local current = redis.call('HGET', tokens, token)
if current then
  redis.call('ZADD', leases, now + lease, current) -- the lost reply may have been waited for for long
  return describe(current)
end

while true do
  local id, from_cpu = pop()
  if not id then return false end

  -- A document with a lease was pushed again while in work. One from the CPU list that waits for a retry here is ours.
  local ours = redis.call('ZSCORE', leases, id) or (from_cpu and redis.call('SISMEMBER', processing, id) == 1)
  -- The backend pushes first and sets the attempts afterwards: that field may be still to come.
  local early = from_cpu and redis.call('HDEL', cpu_attempts, id) == 0
  if early then redis.call('HSET', job_of(id), 'early', '1') end
  if not ours then
    redis.call('HSETNX', correlation, id, ARGV[5])
    redis.call('SADD', processing, id)
    if redis.call('SET', lock_of(id), redis.call('HGET', correlation, id), 'NX', 'EX', lock_ttl) then
      start(id)
      return describe(id)
    end
    -- A worker of another kind holds the lock: look again when a lease has passed.
    redis.call('ZADD', retries, now + lease, id)
  end
end
