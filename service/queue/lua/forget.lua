-- Mark a document complete whoever holds it. ARGV: id. Returns 1, or 0 when it was not in work.
local id = ARGV[1]
local known = redis.call('SISMEMBER', processing, id)
release(id)
redis.call('ZREM', retries, id)
redis.call('SREM', processing, id)
redis.call('HDEL', attempts, id)
redis.call('HDEL', correlation, id)
redis.call('DEL', job_of(id))
return known
