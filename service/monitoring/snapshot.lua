-- One consistent snapshot of the queue, the workers and the jobs in progress, as a single command.
--
-- The lists hold bare ids, without times. So each reader marks the id at the tail with the current time. What stands
-- before a mark has waited for longer: the oldest mark still in the list is the least age of the head, too low by at
-- most the time between two readings. Where nobody has read for a while there is no mark yet; then the list's idle
-- time says since when nothing was appended.
--
-- KEYS: queue (list), processing (set), later (zset), attempts (hash), timestamps (hash), seen (zset), and our own:
--   marks  zset  ids that stood at the tail at an earlier reading, scored by the epoch ms of that reading
--   pause  string  the operator's
--   cpu_queue  list  the backend's CPU list, which may be a second source, and its marks
-- ARGV: ms that marks outlive the last reading, most jobs to name, prefix of the heartbeats' keys, entries of a list
--   to search for a mark
-- Returns {now in epoch ms, {waiting, ms that the oldest has waited at least, the same of the CPU list, in the
--   processing set, waiting for a retry}, {worker, epoch s of its latest heartbeat, its text or '', ...}, {id, epoch ms since it was
--   taken, attempts, ...}, the pause's value or ''}.
local queue, processing, later, attempts, timestamps, seen = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local expiry, most_jobs, heartbeat, limit = ARGV[1], tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4])
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)

local function is_near_head(list, id) return redis.call('LPOS', list, id, 'MAXLEN', limit) end

-- Forget marks whose ids have left the list. No search is longer than `limit`, so the cost does not grow with the
-- backlog: in a longer list, a mark is known to be gone once a later one is near the head.
local function drop_taken(list, marks, length)
  if length <= limit then
    local oldest = redis.call('ZRANGE', marks, 0, 0)[1]
    while oldest and not is_near_head(list, oldest) do
      redis.call('ZREM', marks, oldest)
      oldest = redis.call('ZRANGE', marks, 0, 0)[1]
    end
    return
  end
  local first = redis.call('ZRANGE', marks, 0, 7)
  for i = #first, 2, -1 do
    if is_near_head(list, first[i]) then
      redis.call('ZREMRANGEBYRANK', marks, 0, i - 2)
      return
    end
  end
end

-- Returns the length of a list, and ms that its head has waited at least.
local function measure(list, marks)
  -- Asked first: every other command counts as an access. Some servers do not know it.
  local idle = redis.pcall('OBJECT', 'IDLETIME', list)
  local length = redis.call('LLEN', list)
  if length == 0 then
    redis.call('DEL', marks)
    return 0, 0
  end
  local newest = redis.call('ZRANGE', marks, -1, -1, 'WITHSCORES')[2]
  if not newest or now - newest >= 1000 then
    local since = now
    if not newest and type(idle) == 'number' then since = now - idle * 1000 end
    redis.call('ZADD', marks, 'NX', since, redis.call('LINDEX', list, -1))
  end
  redis.call('PEXPIRE', marks, expiry)
  drop_taken(list, marks, length)
  local oldest = redis.call('ZRANGE', marks, 0, 0, 'WITHSCORES')[2]
  return length, oldest and now - oldest or 0
end

local function workers()
  local answer = {}
  local known = redis.call('ZRANGE', seen, 0, -1, 'WITHSCORES')
  for i = 1, #known, 2 do
    answer[#answer + 1] = known[i]
    answer[#answer + 1] = known[i + 1]
    answer[#answer + 1] = redis.call('GET', heartbeat .. known[i]) or ''
  end
  return answer
end

local function jobs()
  local flat, found, answer = redis.call('HGETALL', timestamps), {}, {}
  for i = 1, #flat, 2 do found[#found + 1] = { flat[i], flat[i + 1], tonumber(flat[i + 1]) or 0 } end
  table.sort(found, function(one, other) return one[3] < other[3] end)
  for i = 1, math.min(#found, most_jobs) do
    local id, since = found[i][1], found[i][2]
    if redis.call('SISMEMBER', processing, id) == 1 then
      answer[#answer + 1] = id
      answer[#answer + 1] = since
      answer[#answer + 1] = redis.call('HGET', attempts, id) or '0'
    end
  end
  return answer
end

local waiting, oldest = measure(queue, KEYS[7])
local cpu_waiting, cpu_oldest = measure(KEYS[9], KEYS[10])
local counts = {
  waiting, oldest, cpu_waiting, cpu_oldest, redis.call('SCARD', processing), redis.call('ZCARD', later),
}
return { now, counts, workers(), jobs(), redis.call('GET', KEYS[8]) or '' }
