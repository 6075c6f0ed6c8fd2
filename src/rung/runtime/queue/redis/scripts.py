"""All scripts of the queue, each one atomic and one round trip, whatever it moves.

They run on Redis 7 and later and on Valkey. Those that hand messages out and take them back also run when the
server's memory is full (`allow-oom`): else a full queue could never be emptied. Every key is an argument.
"""

from __future__ import annotations

from rung.runtime.cache.connection import Script
from rung.runtime.queue.redis import turns

#: ARGV[1]: microseconds to add to the server's clock.
_NOW = """
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2] + tonumber(ARGV[1])
"""

# After the numbers: the tenant, where tenants take turns (see `turns`); it stays as it is.
_STATE = """
local STATE = '<dddI4B'
local function pack(sent, run, fence, count, lost, tenant)
  return struct.pack(STATE, sent, run, fence, count, lost) .. tenant
end
local function tenant_of(state)
  return string.sub(state, 30)
end
"""

# Whoever waits has seen an empty lane, or knows when its first message is due: only a new first one is news.
# `later`: of a lane in which tenants take turns; a claim gives the message its place.
_WAKE = """
local function put(due, channel, run, id, later)
  redis.call('ZADD', due, run, id)
  if later then redis.call('ZADD', later, run, id) end
  if redis.call('ZRANK', due, id) == 0 then
    redis.call('PUBLISH', channel, '')
  end
end
"""

# Of (lane, id, fence) from ARGV[first] on, what is still held: lane's position, id, state, position in the call.
_HELD = """
local function held(first)
  local ids, found, answers = {}, {}, {}
  for i = first, #ARGV, 3 do ids[#ids + 1] = ARGV[i + 1] end
  if #ids == 0 then return found, answers end
  local states = redis.call('HMGET', KEYS[1], unpack(ids))
  for i, id in ipairs(ids) do
    answers[i] = 0
    if states[i] then
      local sent, run, fence, count, lost = struct.unpack(STATE, states[i])
      if fence == tonumber(ARGV[first + i * 3 - 1]) then
        answers[i] = 1
        found[#found + 1] = {
          lane = tonumber(ARGV[first + i * 3 - 3]), id = id, sent = sent, run = run, count = count, lost = lost,
          tenant = tenant_of(states[i])
        }
      end
    end
  end
  return found, answers
end
"""


def fill(text: str, **parts: str) -> str:
    """A script's text with its words in capitals replaced: one text for two kinds of queues."""
    for word, part in parts.items():
        text = text.replace(word, part)
    return text


_SENDING = "#!lua\n" + _NOW + _STATE
_MOVING = "#!lua flags=allow-oom\n" + _NOW + _STATE

# KEYS: state, payload, once, once-until, lanes, then due of each lane, then, where tenants take turns, turns and
# later of each lane. ARGV: offset, channel, window, number of lanes, their names, then per message: lane's
# position, id, delay, sent (0: now), deduplication id ('' for none), payload, and where they take turns the
# tenant. Returns per message '' or the id it is a duplicate of.
_SEND = """
local channel, window, lanes = ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local answers, states, payloads, due, first = {}, {}, {}, {}, {}
for i = 5 + lanes, #ARGV, SIZE do
  local lane, id, once = tonumber(ARGV[i]), ARGV[i + 1], ARGV[i + 4]
  local known = once ~= '' and redis.call('HGET', KEYS[3], once)
  local until_, before
  if known then until_, before = string.match(known, '^(%d+) (.*)$') end
  if known and tonumber(until_) > now then
    answers[#answers + 1] = before
  elseif once ~= '' and redis.call('HEXISTS', KEYS[1], id) == 1 then
    answers[#answers + 1] = id -- a relay comes again after the window, and the message waits, is held or is dead
  else
    if once ~= '' then
      redis.call('HSET', KEYS[3], once, string.format('%.0f %s', now + window, id))
      redis.call('ZADD', KEYS[4], now + window, once)
    end
    local sent, run = tonumber(ARGV[i + 3]), now + tonumber(ARGV[i + 2])
    if sent == 0 then sent = now end
    states[#states + 1] = id
    states[#states + 1] = pack(sent, run, 0, 0, 0, TENANT)
    PLACE
    payloads[#payloads + 1] = id
    payloads[#payloads + 1] = ARGV[i + 5]
    due[lane] = due[lane] or {}
    table.insert(due[lane], run)
    table.insert(due[lane], id)
    if not first[lane] or run < first[lane].run then first[lane] = { run = run, id = id } end
    answers[#answers + 1] = ''
  end
end
if #states > 0 then
  redis.call('HSET', KEYS[1], unpack(states))
  redis.call('HSET', KEYS[2], unpack(payloads))
  for lane, scored in pairs(due) do
    redis.call('SADD', KEYS[5], ARGV[4 + lane])
    redis.call('ZADD', KEYS[5 + lane], unpack(scored))
    if redis.call('ZRANK', KEYS[5 + lane], first[lane].id) == 0 then
      redis.call('PUBLISH', channel, '')
    end
  end
end
return answers
"""

SEND = Script(_SENDING + fill(_SEND, SIZE="6", TENANT="''", PLACE=""))
SEND_IN_TURN = Script(
    _SENDING
    + turns.MEMBER
    + fill(
        _SEND,
        SIZE="7",
        TENANT="ARGV[i + 6]",
        PLACE="place(KEYS[4 + lanes + lane * 2], KEYS[5 + lanes + lane * 2], now, ARGV[i + 6], run, id)",
    )
)

# One message without a deduplication id. KEYS: state, payload, lanes, due. ARGV: offset, channel, lane, id, delay,
# payload.
SEND_ONE = Script(
    _SENDING
    + """
local id, run = ARGV[4], now + tonumber(ARGV[5])
redis.call('HSET', KEYS[1], id, pack(now, run, 0, 0, 0, ''))
redis.call('HSET', KEYS[2], id, ARGV[6])
redis.call('ZADD', KEYS[4], run, id)
if redis.call('ZRANK', KEYS[4], id) == 0 then
  redis.call('SADD', KEYS[3], ARGV[3])
  redis.call('PUBLISH', ARGV[2], '')
end
return ''
"""
)

# KEYS: state, payload, error, then due and leased of each lane, in the order in which they are served; where
# tenants take turns also turns, later and last of each lane.
# ARGV: offset, how many at most, visibility timeout. Returns the microseconds until something may be there (-1:
# nothing is known of), then per lane that gave something: its position, ids, states, payloads, last errors.
_CLAIM = """
local left, lease = tonumber(ARGV[2]), now + tonumber(ARGV[3])
local out, nearest = { -1 }, nil
local function look(key)
  local head = redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')
  if head[2] and (not nearest or tonumber(head[2]) < nearest) then nearest = tonumber(head[2]) end
end
for k = 4, #KEYS, SIZE do
  local due, leased = KEYS[k], KEYS[k + 1]
  if left > 0 then
    local ids = redis.call('ZRANGEBYSCORE', leased, '-inf', now, 'LIMIT', 0, left)
    local lost = #ids
    if left > lost then
      local ready = READY
      if #ready > 0 then
        redis.call('ZREM', due, unpack(ready))
        for _, id in ipairs(ready) do ids[#ids + 1] = id end
      end
    end
    if #ids > 0 then
      local states, payloads = redis.call('HMGET', KEYS[1], unpack(ids)), redis.call('HMGET', KEYS[2], unpack(ids))
      local given, packed, bodies, errors, written, leases = {}, {}, {}, {}, {}, {}
      for i, id in ipairs(ids) do
        if states[i] and payloads[i] then
          local sent, run, _, count, flag = struct.unpack(STATE, states[i])
          if i <= lost then flag = 1 end
          local state = pack(sent, run, now, count + 1, flag, tenant_of(states[i]))
          given[#given + 1], packed[#packed + 1], bodies[#bodies + 1] = id, state, payloads[i]
          errors[#errors + 1] = count > 0 and redis.call('HGET', KEYS[3], id) or ''
          written[#written + 1], written[#written + 2] = id, state
          leases[#leases + 1], leases[#leases + 2] = lease, id
        else
          redis.call('ZREM', leased, id)
        end
      end
      if #given > 0 then
        redis.call('HSET', KEYS[1], unpack(written))
        redis.call('ZADD', leased, unpack(leases))
        out[#out + 1] = { (k - 4) / SIZE, given, packed, bodies, errors }
        left = left - #given
      end
    end
  end
end
if #out == 1 then
  for k = 4, #KEYS, SIZE do
    look(KEYS[k])
    look(KEYS[k + 1])
  end
  if nearest then out[1] = math.max(0, nearest - now) end
end
return out
"""

_OLDEST = "redis.call('ZRANGEBYSCORE', due, '-inf', now, 'LIMIT', 0, left - lost)"
CLAIM = Script(_MOVING + fill(_CLAIM, SIZE="2", READY=_OLDEST))
CLAIM_IN_TURN = Script(
    _MOVING
    + turns.MEMBER
    + turns.TAKE
    + fill(_CLAIM, SIZE="5", READY="in_turn(due, KEYS[k + 2], KEYS[k + 3], KEYS[k + 4], left - lost)")
)

# KEYS: state, payload, error, then leased of each lane. ARGV: offset, then (lane, id, fence) of each message.
ACKNOWLEDGE = Script(
    _MOVING
    + _HELD
    + """
local found, answers = held(2)
local ids, leased = {}, {}
for _, each in ipairs(found) do
  ids[#ids + 1] = each.id
  leased[each.lane] = leased[each.lane] or {}
  table.insert(leased[each.lane], each.id)
end
if #ids > 0 then
  redis.call('HDEL', KEYS[1], unpack(ids))
  redis.call('HDEL', KEYS[2], unpack(ids))
  redis.call('HDEL', KEYS[3], unpack(ids))
  for lane, some in pairs(leased) do redis.call('ZREM', KEYS[3 + lane], unpack(some)) end
end
return answers
"""
)

# KEYS: state, then leased of each lane. ARGV: offset, for how long, then (lane, id, fence).
EXTEND = Script(
    _MOVING
    + _HELD
    + """
local found, answers = held(3)
for _, each in ipairs(found) do
  redis.call('ZADD', KEYS[1 + each.lane], now + tonumber(ARGV[2]), each.id)
end
return answers
"""
)

# KEYS: state, leased. ARGV: offset, then (1, id, fence).
IS_HELD = Script(_MOVING + _HELD + "local _, answers = held(2) return answers")

# KEYS: state, then due and leased of each lane, and later where tenants take turns. ARGV: offset, channel, how
# many keys a lane has, then (lane, id, fence).
RELEASE = Script(
    _MOVING
    + _WAKE
    + _HELD
    + """
local found, answers = held(4)
local size = tonumber(ARGV[3])
for _, each in ipairs(found) do
  local at = 2 + (each.lane - 1) * size
  redis.call('ZREM', KEYS[at + 1], each.id)
  redis.call('HSET', KEYS[1], each.id, pack(each.sent, each.run, 0, each.count - 1, each.lost, each.tenant))
  put(KEYS[at], ARGV[2], each.run, each.id, size == 3 and KEYS[at + 2])
end
return answers
"""
)

# KEYS: state, error, due, leased, and later where tenants take turns. ARGV: offset, channel, delay, error, 1, id,
# fence.
RETRY = Script(
    _MOVING
    + _WAKE
    + _HELD
    + """
local found, answers = held(5)
for _, each in ipairs(found) do
  local run = now + tonumber(ARGV[3])
  redis.call('ZREM', KEYS[4], each.id)
  redis.call('HSET', KEYS[1], each.id, pack(each.sent, run, 0, each.count, 0, each.tenant))
  redis.call('HSET', KEYS[2], each.id, ARGV[4])
  put(KEYS[3], ARGV[2], run, each.id, KEYS[5])
end
return answers
"""
)

# KEYS: state, error, letter, leased, dead. ARGV: offset, letter, 1, id, fence.
BURY = Script(
    _MOVING
    + _HELD
    + """
local found, answers = held(3)
for _, each in ipairs(found) do
  redis.call('ZREM', KEYS[4], each.id)
  redis.call('HDEL', KEYS[2], each.id)
  redis.call('HSET', KEYS[1], each.id, pack(each.sent, each.run, 0, each.count, 0, each.tenant))
  redis.call('HSET', KEYS[3], each.id, ARGV[2])
  redis.call('ZADD', KEYS[5], now, each.id)
end
return answers
"""
)

# KEYS: state, error, letter, due, dead, and turns and later where tenants take turns. ARGV: offset, retention, how
# many at most, reason, origin.
EXPIRE = Script(
    _MOVING
    + turns.MEMBER
    + """
local late = redis.call('ZRANGEBYSCORE', KEYS[4], '-inf', now - tonumber(ARGV[2]), 'LIMIT', 0, tonumber(ARGV[3]))
for _, id in ipairs(late) do
  redis.call('ZREM', KEYS[4], id)
  local state = redis.call('HGET', KEYS[1], id)
  if state then
    local sent, run, _, count = struct.unpack(STATE, state)
    local letter = {
      attempts = count, reason = ARGV[4], origin = ARGV[5], traceback = redis.call('HGET', KEYS[2], id) or ''
    }
    redis.call('HDEL', KEYS[2], id)
    if KEYS[6] then
      redis.call('ZREM', KEYS[6], member(tenant_of(state), run, id))
      redis.call('ZREM', KEYS[7], id)
    end
    redis.call('HSET', KEYS[1], id, pack(sent, run, 0, count, 0, tenant_of(state)))
    redis.call('HSET', KEYS[3], id, cjson.encode(letter))
    redis.call('ZADD', KEYS[5], now, id)
  end
end
return #late
"""
)

# KEYS: state, letter, due, dead, and later where tenants take turns. ARGV: offset, channel, how many at most, then
# ids; without any, the oldest.
REDRIVE = Script(
    _MOVING
    + _WAKE
    + """
local ids, moved = {}, 0
if #ARGV > 3 then
  for i = 4, #ARGV do ids[#ids + 1] = ARGV[i] end
else
  ids = redis.call('ZRANGE', KEYS[4], 0, tonumber(ARGV[3]) - 1)
end
for _, id in ipairs(ids) do
  if redis.call('ZREM', KEYS[4], id) == 1 then
    local state = redis.call('HGET', KEYS[1], id)
    local sent = struct.unpack(STATE, state)
    redis.call('HSET', KEYS[1], id, pack(sent, now, 0, 0, 0, tenant_of(state)))
    redis.call('HDEL', KEYS[2], id)
    put(KEYS[3], ARGV[2], now, id, KEYS[5])
    moved = moved + 1
  end
end
return moved
"""
)

# KEYS: state, then due, leased and dead of each lane. ARGV: offset. Returns per lane: ready, in flight, delayed,
# dead, and for how many microseconds the oldest ready one has been due.
STATISTICS = Script(
    _MOVING
    + """
local out = {}
for k = 2, #KEYS, 3 do
  local due, leased, dead = KEYS[k], KEYS[k + 1], KEYS[k + 2]
  local ready, lost = redis.call('ZCOUNT', due, '-inf', now), redis.call('ZCOUNT', leased, '-inf', now)
  local oldest = now
  if ready > 0 then oldest = tonumber(redis.call('ZRANGE', due, 0, 0, 'WITHSCORES')[2]) end
  if lost > 0 then
    local state = redis.call('HGET', KEYS[1], redis.call('ZRANGE', leased, 0, 0)[1])
    if state then
      local _, run = struct.unpack(STATE, state)
      oldest = math.min(oldest, run)
    end
  end
  out[#out + 1] = {
    ready + lost, redis.call('ZCARD', leased) - lost, redis.call('ZCARD', due) - ready, redis.call('ZCARD', dead),
    now - oldest
  }
end
return out
"""
)

# KEYS: state, payload, letter, then dead of each lane. ARGV: offset, how many at most. Returns per letter: lane's
# position, id, when it died, state, payload, letter; the newest of each lane.
DEAD_LETTERS = Script(
    _MOVING
    + """
local out = {}
for k = 4, #KEYS do
  local newest = redis.call('ZRANGE', KEYS[k], 0, tonumber(ARGV[2]) - 1, 'REV', 'WITHSCORES')
  for i = 1, #newest, 2 do
    local id = newest[i]
    out[#out + 1] = {
      k - 4, id, tonumber(newest[i + 1]), redis.call('HGET', KEYS[1], id), redis.call('HGET', KEYS[2], id),
      redis.call('HGET', KEYS[3], id)
    }
  end
end
return out
"""
)

# KEYS: lanes.
LANES = Script(_MOVING + "return redis.call('SMEMBERS', KEYS[1])")

# KEYS: once, once-until. ARGV: offset, how many at most.
FORGET_ONCE = Script(
    _MOVING
    + """
local over = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now, 'LIMIT', 0, tonumber(ARGV[2]))
if #over > 0 then
  redis.call('ZREM', KEYS[2], unpack(over))
  redis.call('HDEL', KEYS[1], unpack(over))
end
return #over
"""
)
