-- Whether this worker does a task for all: the first that asks does, until it has not asked for a while.
-- ARGV: key of the task, name of the worker, ms until another may take over
-- Returns 1 or 0.
local elected = redis.call('GET', ARGV[1])
if elected and elected ~= ARGV[2] then return 0 end
redis.call('SET', ARGV[1], ARGV[2], 'PX', ARGV[3])
return 1
