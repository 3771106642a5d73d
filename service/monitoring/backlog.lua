-- How much waits, and since when. The queue holds bare ids; so whoever looks marks the id that stands last, with the
-- time. What stands before a mark has waited for longer: the oldest mark that is still in the queue is the least age
-- of its head, too low by at most the time between two looks.
-- KEYS: queue (list), processing (set), later (zset), and our own:
--   marks  zset  ids that stood last in the queue when somebody looked, scored by the epoch ms of that look
-- ARGV: ms that the marks outlive the last look
-- Returns {waiting, in the processing set, waiting for a retry, ms that the oldest has waited at least}.
local queue, processing, later, marks = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local counts = { redis.call('LLEN', queue), redis.call('SCARD', processing), redis.call('ZCARD', later), 0 }
if counts[1] == 0 then
  redis.call('DEL', marks)
  return counts
end

redis.call('ZADD', marks, 'NX', now, redis.call('LINDEX', queue, -1))
redis.call('PEXPIRE', marks, ARGV[1])
local oldest = redis.call('ZRANGE', marks, 0, 0, 'WITHSCORES')
while not redis.call('LPOS', queue, oldest[1]) do
  redis.call('ZREM', marks, oldest[1])
  oldest = redis.call('ZRANGE', marks, 0, 0, 'WITHSCORES')
end
counts[4] = now - oldest[2]
return counts
