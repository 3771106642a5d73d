-- Fetch the oldest waiting document. Sent again with the same token (the reply was lost), it returns the same job.
-- ARGV: token, lease ms, lock TTL s, job id and correlation id to use where there is none yet, max attempts
-- Returns {job, refused}, with a third value while an operator has paused all workers.
--   job: {id, job_id, correlation id, attempts, deferrals, fence, deaths, device, '1' when its attempts were used up
--     before this fetch}, or {} when nothing waits or only entries were removed
--   refused: {length, SHA-1, length, SHA-1, ...} of entries that were removed because they are no document ids
local token, lease, lock_ttl, max_attempts = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[6])
local now, refused = now_ms(), {}

-- How many entries one call removes at most without finding a job; the caller asks again while the list is not empty.
local MAX_ENTRIES = 100

local function describe(id)
  local job = redis.call('HMGET', job_of(id), 'job_id', 'attempts', 'deferrals', 'fence', 'deaths', 'device', 'used_up')
  return { id, job[1], redis.call('HGET', correlation, id), job[2], job[3] or '0', job[4], job[5] or '0',
    job[6] or '', job[7] or '' }
end

-- Remove the next id from its list: the own list first, then the CPU pipeline's, where that is a source. Waiting twice
-- is one job: where it stands again near the head, it is removed there, too.
-- Returns the id or false, and whether it came from the CPU pipeline.
local function pop()
  local list, from_cpu = queue, false
  local id = redis.call('LPOP', list)
  if not id and cpu_queue then
    list, from_cpu = cpu_queue, true
    id = redis.call('LPOP', list)
  end
  while id and redis.call('LPOS', list, id, 'MAXLEN', MAX_SCAN) do redis.call('LREM', list, 1, id) end
  return id, from_cpu
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
  redis.call('EXPIRE', job_of(id), JOB_TTL)
end

-- Remove an entry that is no document id, with what was set for it.
local function refuse(entry, from_cpu)
  refused[#refused + 1] = #entry
  refused[#refused + 1] = redis.sha1hex(entry)
  redis.call('HDEL', attempts, entry)
  redis.call('HDEL', correlation, entry)
  if from_cpu then redis.call('HDEL', cpu_attempts, entry) end
end

-- Forget the job of an earlier request, which a worker of another kind took over and ended: the attempts differ when
-- they were set anew or removed since the job returned to the list.
local function forget_earlier(id, from_cpu)
  local count = redis.call('HGET', job_of(id), 'attempts')
  if count and (from_cpu or redis.call('HGET', attempts, id) ~= count) then redis.call('DEL', job_of(id)) end
end

local current = redis.call('HGET', tokens, token)
if current then
  redis.call('ZADD', leases, now + lease, current) -- the lost reply may have been waited for for long
  return { describe(current), refused }
end

-- An operator paused all workers; the list keeps what waits.
if redis.call('EXISTS', watch .. ':paused') == 1 then return { {}, refused, 1 } end

for _ = 1, MAX_ENTRIES do
  local id, from_cpu = pop()
  if not id then break end
  if not is_id(id) then
    refuse(id, from_cpu)
  else
    -- With a lease, it was pushed again while in work. One from the CPU list that waits for a retry is ours, too.
    local ours = redis.call('ZSCORE', leases, id) or (from_cpu and redis.call('SISMEMBER', processing, id) == 1)
    if not ours then forget_earlier(id, from_cpu) end
    -- The backend pushes first and sets the attempts afterwards: that field may be still to come.
    if from_cpu and redis.call('HDEL', cpu_attempts, id) == 0 then
      redis.call('HSET', job_of(id), 'early', '1')
      redis.call('EXPIRE', job_of(id), JOB_TTL)
    end
    if not ours then
      redis.call('HSETNX', correlation, id, ARGV[5])
      redis.call('SADD', processing, id)
      if redis.call('SET', lock_of(id), redis.call('HGET', correlation, id), 'NX', 'EX', lock_ttl) then
        start(id)
        return { describe(id), refused }
      end
      -- A worker of another kind holds the lock: look again when a lease has passed.
      redis.call('ZADD', retries, now + lease, id)
    end
  end
end
return { {}, refused }
