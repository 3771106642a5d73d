-- Find fields that belong to no job, one step of a scan. Only while the queue is short: what waits must be known.
-- Fields of what is no document id are removed at once.
-- ARGV: cursor, how many fields at about, key of the hash, how many documents may wait
-- Returns {next cursor, id...}.
local hash, max_waiting = ARGV[3], tonumber(ARGV[4])
if redis.call('LLEN', queue) > max_waiting then return { '0' } end
local waiting = {}
for _, id in ipairs(redis.call('LRANGE', queue, 0, max_waiting)) do waiting[id] = true end

local step = redis.call('HSCAN', hash, ARGV[1], 'COUNT', ARGV[2])
local found = { step[1] }
for i = 1, #step[2], 2 do
  local id = step[2][i]
  if not is_id(id) then
    if not waiting[id] then redis.call('HDEL', hash, id) end
  elseif not waiting[id] and redis.call('SISMEMBER', processing, id) == 0 then
    found[#found + 1] = id
  end
end
return found
