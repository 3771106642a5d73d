-- Take the oldest waiting document. Sent again with the same token (the reply was lost), it returns the same job.
-- ARGV: token, lease ms, lock ttl s, a job id and a correlation id to use where there is none yet, most attempts
-- Returns {id, job_id, correlation id, attempts, deferrals, fence, deaths, device, '1' when its attempts were used
--   up before this take} or false when nothing waits.
local token, lease, lock_ttl, most = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[6])
local now = now_ms()

local function described(id)
  local job = redis.call('HMGET', job_of(id), 'job_id', 'attempts', 'deferrals', 'fence', 'deaths', 'device', 'used_up')
  return { id, job[1], redis.call('HGET', correlation, id), job[2], job[3] or '0', job[4], job[5] or '0',
    job[6] or '', job[7] or '' }
end

local mine = redis.call('HGET', tokens, token)
if mine then
  redis.call('ZADD', leases, now + lease, mine) -- the lost reply may have been waited for for long
  return described(mine)
end

while true do
  local id = redis.call('LPOP', queue)
  if not id then return false end
  redis.call('LREM', queue, 0, id) -- waiting twice is one job

  if not redis.call('ZSCORE', leases, id) then -- else: pushed again while in work; its result is on the way
    redis.call('HSETNX', correlation, id, ARGV[5])
    redis.call('SADD', processing, id)
    if redis.call('SET', lock_of(id), redis.call('HGET', correlation, id), 'NX', 'EX', lock_ttl) then
      redis.call('ZREM', later, id)
      redis.call('HSETNX', job_of(id), 'job_id', ARGV[4])
      local count = tonumber(redis.call('HGET', job_of(id), 'attempts') or 0)
      if count >= most then
        redis.call('HSET', job_of(id), 'used_up', '1') -- taken only to be failed for good
      else
        count = count + 1
      end
      redis.call('HSET', job_of(id), 'attempts', count, 'token', token, 'fence', now)
      redis.call('HSET', attempts, id, count)
      redis.call('HSET', timestamps, id, now)
      redis.call('HSET', tokens, token, id)
      redis.call('ZADD', leases, now + lease, id)
      return described(id)
    end
    -- A worker outside this ledger holds the lock: look again when a lease has passed.
    redis.call('ZADD', later, now + lease, id)
  end
end
