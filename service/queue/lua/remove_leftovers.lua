-- Remove the fields of these ids that still belong to no job, while the queue is short.
-- ARGV: how many documents may wait, id...
local max_waiting = tonumber(ARGV[1])
if redis.call('LLEN', queue) > max_waiting then return end
local waiting = {}
for _, id in ipairs(redis.call('LRANGE', queue, 0, max_waiting)) do waiting[id] = true end
for i = 2, #ARGV do
  local id = ARGV[i]
  if not waiting[id] and redis.call('SISMEMBER', processing, id) == 0 then
    for _, hash in ipairs({ attempts, correlation, timestamps }) do redis.call('HDEL', hash, id) end
  end
end
