-- End a document's job, whichever worker holds it. ARGV: id. Returns 1, or 0 when it was not in work.
local id = ARGV[1]
local known = redis.call('SISMEMBER', processing, id)
release(id)
redis.call('ZREM', retries, id)
forget(id)
return known
