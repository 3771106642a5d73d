-- Keys and helpers that every script shares; it is put in front of each of them.
--
-- Keys of the backend's contract (the first three can be renamed by settings):
--   KEYS[1]  queue        list   ids of waiting documents, oldest first; the backend appends
--   KEYS[2]  processing   set    ids fetched and not finished, those that wait for a retry included
--   KEYS[3]  attempts     hash   id -> attempts of the job so far
--   KEYS[4]  correlation  hash   id -> correlation id
--   KEYS[5]  timestamps   hash   id -> epoch ms of the latest fetch
-- Our own keys:
--   KEYS[6]  leases       zset   ids in work, scored by the epoch ms at which the lease expires
--   KEYS[7]  retries      zset   ids that wait for a retry, scored by the epoch ms at which they are due
--   KEYS[8]  tokens       hash   token of a fetch -> id
--   KEYS[9]  lock:        prefix of one string per document: its correlation id while it is in work
--   KEYS[10] job:         prefix of one hash per document, from its first fetch until its job is finished:
--                           job_id, token, attempts, deferrals, fence (epoch ms of the latest fetch),
--                           deaths (expired leases), device ("cpu" once a GPU failed on it),
--                           used_up ("1" once fetched with no attempt left),
--                           early ("1": claimed from the CPU list before the backend had set its attempts there)
--   KEYS[11] watch        string that exists while workers check the leases; expires half a lease after a check
-- The backend's CPU pipeline, given only when its list is a second source:
--   KEYS[12] cpu_queue       list  ids of waiting documents
--   KEYS[13] cpu_attempts    hash  id -> attempts
--   KEYS[14] cpu_processing  set   ids in work there
--   KEYS[15] cpu_delayed     zset  ids that wait for a retry there
--   KEYS[16] claimed         zset  (ours) finished ids whose field in cpu_attempts may still be set, scored by the
--                                  epoch ms at which it is to be removed
--
-- Time is the server's, never a worker's: a wrong clock on one machine cannot expire another worker's lease.
local queue, processing, attempts, correlation, timestamps = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local leases, retries, tokens, watch = KEYS[6], KEYS[7], KEYS[8], KEYS[11]
local cpu_queue, cpu_attempts, cpu_processing, cpu_delayed, claimed = KEYS[12], KEYS[13], KEYS[14], KEYS[15], KEYS[16]
local function lock_of(id) return KEYS[9] .. id end
local function job_of(id) return KEYS[10] .. id end

-- How far a script looks for an id from either end of a list, so that its time does not grow with the backlog.
local MAX_SCAN = 1000

-- Seconds that a job is remembered after its latest fetch or return.
local JOB_TTL = 7 * 86400

local function now_ms()
  local t = redis.call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end

-- End the current fetch of a document; the caller decides where the document goes next.
local function release(id)
  local token = redis.call('HGET', job_of(id), 'token')
  if token then redis.call('HDEL', tokens, token) end
  redis.call('HDEL', job_of(id), 'token')
  redis.call('ZREM', leases, id)
  redis.call('DEL', lock_of(id))
  redis.call('HDEL', timestamps, id)
end

-- Whether an entry is a document id: a UUID in lower case with hyphens.
local HEX4 = ('[0-9a-f]'):rep(4)
local ID = '^' .. table.concat({ HEX4 .. HEX4, HEX4, HEX4, HEX4, HEX4 .. HEX4 .. HEX4 }, '%-') .. '$'
local function is_id(entry) return #entry == 36 and entry:find(ID) ~= nil end

-- Put a document at the head of the list, unless it is near the head already. Its attempts are those of the job: the
-- backend sets "0" after it has pushed, which may be after the fetch.
local function to_head(id)
  local count = redis.call('HGET', job_of(id), 'attempts')
  if count then redis.call('HSET', attempts, id, count) end
  redis.call('EXPIRE', job_of(id), JOB_TTL)
  redis.call('SREM', processing, id)
  if not redis.call('LPOS', queue, id, 'MAXLEN', MAX_SCAN) then redis.call('LPUSH', queue, id) end
end

-- Remove a document's field from the CPU pipeline's attempts, unless that pipeline works on the document itself.
-- Returns whether that is settled.
local function clear_cpu_attempts(id)
  if redis.call('SISMEMBER', cpu_processing, id) == 1 or redis.call('ZSCORE', cpu_delayed, id) then return true end
  return redis.call('HDEL', cpu_attempts, id) == 1
end

-- Remove an id from a list wherever it stands near the head or the tail. Returns whether it did.
local function remove_near_ends(list, id)
  local found = false
  while redis.call('LPOS', list, id, 'MAXLEN', MAX_SCAN) do found = redis.call('LREM', list, 1, id) end
  while redis.call('LPOS', list, id, 'RANK', -1, 'MAXLEN', MAX_SCAN) do found = redis.call('LREM', list, -1, id) end
  return found
end

-- Remove what is left of a job that was released. The backend's recovery may have pushed the id on the CPU list while
-- it was in work or waited here: that is no new request (a newer file is noticed when the result is stored).
local function forget(id)
  if cpu_queue then
    local pushed = remove_near_ends(cpu_queue, id)
    if (pushed or redis.call('HGET', job_of(id), 'early')) and not clear_cpu_attempts(id) then
      redis.call('ZADD', claimed, now_ms() + 1000, id)
    end
  end
  redis.call('SREM', processing, id)
  redis.call('HDEL', attempts, id)
  redis.call('HDEL', correlation, id)
  redis.call('DEL', job_of(id))
end
