-- End one fetch. With a token that is no longer valid nothing changes, so a repeat is harmless.
-- ARGV: token, outcome (done | retry | requeue), delay ms for retry, '1' when the attempt counts, device for the
--   next fetch or ''
-- Returns 1, or 0 when the token was stale.
local token, outcome, delay, counts, device = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4] == '1', ARGV[5]
local id = redis.call('HGET', tokens, token)
if not id then return 0 end
release(id)

if outcome == 'done' then
  forget(id)
  return 1
end

if not counts then redis.call('HINCRBY', job_of(id), 'attempts', -1) end
redis.call('HSET', attempts, id, redis.call('HGET', job_of(id), 'attempts'))
if device ~= '' then redis.call('HSET', job_of(id), 'device', device) end
if outcome == 'retry' then
  redis.call('HINCRBY', job_of(id), 'deferrals', 1)
  redis.call('ZADD', retries, now_ms() + delay, id)
  redis.call('EXPIRE', job_of(id), JOB_TTL)
else
  to_head(id)
end
return 1
