-- Extend the leases of jobs in work. ARGV: lease ms, lock TTL s, token...
-- Returns the tokens whose jobs were given to another worker.
local expires, lock_ttl = now_ms() + tonumber(ARGV[1]), tonumber(ARGV[2])
local lost = {}
for i = 3, #ARGV do
  local id = redis.call('HGET', tokens, ARGV[i])
  if id then
    redis.call('ZADD', leases, 'XX', expires, id)
    redis.call('EXPIRE', lock_of(id), lock_ttl)
    redis.call('SADD', processing, id) -- a worker of another kind empties the set when it ends
  else
    lost[#lost + 1] = ARGV[i]
  end
end
return lost
