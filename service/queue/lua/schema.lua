-- FiLot's list is the queue; these keys say who works on what. Every script starts with this page.
--
-- The backend's keys (the first two and `attempts` can be renamed by settings):
--   KEYS[1]  queue        list   document ids that wait, oldest first; the backend appends
--   KEYS[2]  processing   set    ids taken and not finished, those that wait for a retry included
--   KEYS[3]  attempts     hash   id -> takes of the job so far
--   KEYS[4]  correlation  hash   id -> correlation id
--   KEYS[5]  timestamps   hash   id -> epoch ms of the latest take
-- Our own:
--   KEYS[6]  leases       zset   ids in work, scored by the epoch ms at which the lease runs out
--   KEYS[7]  later        zset   ids that wait for a retry, scored by the epoch ms they are due
--   KEYS[8]  tokens       hash   token of a take -> id
--   KEYS[9]  lock:        prefix of one string a document: its correlation id while it is in work
--   KEYS[10] job:         prefix of one hash a document, from its first take until it is settled for good:
--                           job_id, token, attempts, deferrals, fence (epoch ms of the latest take),
--                           deaths (leases that ran out), device ("cpu" once a GPU failed on it),
--                           used_up ("1" once taken with no attempt left)
--   KEYS[11] watch        string that exists while workers look after the leases; gone half a lease after the last look
--
-- Time is the server's, never a worker's: a worker with a wrong clock can't take another's job.
local queue, processing, attempts, correlation, timestamps = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local leases, later, tokens, watch = KEYS[6], KEYS[7], KEYS[8], KEYS[11]
local function lock_of(id) return KEYS[9] .. id end
local function job_of(id) return KEYS[10] .. id end

local function now_ms()
  local t = redis.call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000)
end

-- Takes the job out of its worker's hands; the caller says where it goes next.
local function release(id)
  local token = redis.call('HGET', job_of(id), 'token')
  if token then redis.call('HDEL', tokens, token) end
  redis.call('HDEL', job_of(id), 'token')
  redis.call('ZREM', leases, id)
  redis.call('DEL', lock_of(id))
  redis.call('HDEL', timestamps, id)
end

local function to_head(id)
  redis.call('SREM', processing, id)
  redis.call('LREM', queue, 0, id)
  redis.call('LPUSH', queue, id)
end
