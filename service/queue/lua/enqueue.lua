-- Append a document, as the backend does. ARGV: id, correlation id.
-- Returns 1, or 0 when it waits or is in work; in the CPU pipeline's list, too, where that is a source.
local id = ARGV[1]
if redis.call('LPOS', queue, id) or redis.call('SISMEMBER', processing, id) == 1 then return 0 end
if cpu_queue and redis.call('LPOS', cpu_queue, id) then return 0 end
redis.call('HSET', correlation, id, ARGV[2])
redis.call('RPUSH', queue, id)
redis.call('HSET', attempts, id, '0')
return 1
