-- Take a document out of the queue, whether it waits, waits for a retry, or is in work. ARGV: id.
-- Returns {state, epoch ms, correlation id, job id}: state is 'waiting', 'in work', or '' when it was neither and
-- nothing was changed. A document that was queued has no job id yet.
-- Unlike other scripts it searches whole lists: an operator calls it, seldom, and must be able to rely on it.
local id = ARGV[1]
local state = ''
local waited = redis.call('LREM', queue, 0, id)
if cpu_queue then waited = waited + redis.call('LREM', cpu_queue, 0, id) end
local known = redis.call('SISMEMBER', processing, id) == 1
if known and redis.call('ZSCORE', leases, id) then
  state = 'in work'
elseif known or waited > 0 then
  state = 'waiting'
end
local answer = {
  state, now_ms(), redis.call('HGET', correlation, id) or '', redis.call('HGET', job_of(id), 'job_id') or '',
}
if state ~= '' then
  release(id)
  redis.call('ZREM', retries, id)
  forget(id)
end
return answer
