-- Remove what a document left behind, unless it waits or is in work. ARGV: id.
-- Returns how many keys and fields were removed, or -1 when it waits or is in work.
local id = ARGV[1]
if redis.call('LPOS', queue, id) or redis.call('SISMEMBER', processing, id) == 1 then return -1 end
if cpu_queue and redis.call('LPOS', cpu_queue, id) then return -1 end
local removed = 0
local token = redis.call('HGET', job_of(id), 'token')
if token then removed = redis.call('HDEL', tokens, token) end
for _, hash in ipairs({ attempts, correlation, timestamps }) do removed = removed + redis.call('HDEL', hash, id) end
for _, set in ipairs({ leases, retries }) do removed = removed + redis.call('ZREM', set, id) end
if cpu_queue then removed = removed + redis.call('ZREM', claimed, id) end
return removed + redis.call('DEL', lock_of(id), job_of(id))
