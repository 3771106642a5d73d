-- Write one worker's heartbeat, and return the operator's pause or false.
-- KEYS: the worker's own key (string), seen (zset), the pause (string)
-- ARGV: the heartbeat's text, s until it expires, the worker, s until a silent worker is forgotten
local now = redis.call('TIME')[1]
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
redis.call('ZADD', KEYS[2], now, ARGV[3])
redis.call('ZREMRANGEBYSCORE', KEYS[2], 0, now - ARGV[4])
redis.call('EXPIRE', KEYS[2], ARGV[4])
return redis.call('GET', KEYS[3])
