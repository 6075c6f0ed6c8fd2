"""Tenants take turns on Redis: the parts of the scripts for queues that are declared fair.

`due` stays what it is everywhere: all that waits, by its time. Beside it a fair lane has `turns`, an index of what
is ready by tenant: a sorted set of equal scores is ordered by its members' bytes, and they begin with the tenant.
So the tenant behind another is one look, however many messages each has, as in Postgres. What is delayed, retried,
handed back or redriven is in `later`, by its time, until a claim gives it its place. `last` is whose turn was
last, for all processes. What is in `turns` and not in `due` any more, or in `due` and in neither, was moved by a
process that does not know that the queue is fair: the one is dropped, the other belongs to nobody.
"""

from __future__ import annotations

#: Whose messages those of no tenant are: before every tenant's id, which begins with a letter or digit.
NOBODY = "-"

#: How many of `later` a claim gives their places, and how many strangers it looks for.
_MOVED_MAX = 500
_LOOKED_AT = 100

MEMBER = """
local function member(tenant, run, id)
  return tenant .. '\\0' .. string.format('%017.0f', run) .. '\\0' .. id
end
local function place(turns, later, now, tenant, run, id)
  if run <= now then
    redis.call('ZADD', turns, 0, member(tenant, run, id))
  else
    redis.call('ZADD', later, run, id)
  end
end
"""

TAKE = f"""
local function settle(turns, ids)
  if #ids == 0 then return end
  local states, members = redis.call('HMGET', KEYS[1], unpack(ids)), {{}}
  for i, id in ipairs(ids) do
    if states[i] then
      local tenant, _, run = tenant_of(states[i]), struct.unpack(STATE, states[i])
      members[#members + 1] = 0
      members[#members + 1] = member(tenant == '' and '{NOBODY}' or tenant, run, id)
    end
  end
  if #members > 0 then redis.call('ZADD', turns, unpack(members)) end
end

local function adopt(due, turns, later)
  if redis.call('ZCARD', due) <= redis.call('ZCARD', turns) + redis.call('ZCARD', later) then return end
  local ids, strangers = redis.call('ZRANGEBYSCORE', due, '-inf', now, 'LIMIT', 0, {_LOOKED_AT}), {{}}
  local states = #ids > 0 and redis.call('HMGET', KEYS[1], unpack(ids)) or {{}}
  for i, id in ipairs(ids) do
    if states[i] and tenant_of(states[i]) == '' then strangers[#strangers + 1] = id end
  end
  settle(turns, strangers)
end

local function behind(turns, from)
  local first = redis.call('ZRANGEBYLEX', turns, from, '+', 'LIMIT', 0, 1)[1]
  if first then return first, string.match(first, '^(.*)%z%d+%z') end
end

-- Up to `most` tenants, from the one behind `last` on, once round.
local function heads(turns, last, most)
  local found, from, again = {{}}, last and '(' .. last .. '\\1' or '-', not last
  while #found < most do
    local first, tenant = behind(turns, from)
    if first then
      if found[1] and found[1].tenant == tenant then break end
      found[#found + 1] = {{ tenant = tenant, first, count = 1 }}
      from = '(' .. tenant .. '\\1'
    elseif again then
      break
    else
      from, again = '-', true
    end
  end
  return found
end

-- One of each, then equal parts of what is left, until that is nothing or nobody has more.
local function shared(turns, found, left)
  local active, last = found, nil
  for _, each in ipairs(found) do
    redis.call('ZREM', turns, each[1])
    left, last = left - 1, each.tenant
  end
  while left > 0 and #active > 0 do
    local share, still = math.max(1, math.floor(left / #active)), {{}}
    for _, each in ipairs(active) do
      local most = math.min(share, left)
      local some = most > 0 and redis.call(
        'ZRANGEBYLEX', turns, '[' .. each.tenant .. '\\0', '(' .. each.tenant .. '\\1', 'LIMIT', 0, most
      ) or {{}}
      if #some > 0 then
        redis.call('ZREM', turns, unpack(some))
        for _, one in ipairs(some) do each[#each + 1] = one end
        each.count, left, last = each.count + #some, left - #some, each.tenant
      end
      if #some == share then still[#still + 1] = each end
    end
    active = still
  end
  return last
end

local function in_turn(due, turns, later, last, left)
  local ready = redis.call('ZRANGEBYSCORE', later, '-inf', now, 'LIMIT', 0, {_MOVED_MAX})
  if #ready > 0 then
    redis.call('ZREM', later, unpack(ready))
    settle(turns, ready)
  end
  adopt(due, turns, later)
  local found = heads(turns, redis.call('GET', last), left)
  if #found == 0 then return found end
  redis.call('SET', last, shared(turns, found, left))
  local ids, round = {{}}, 1
  repeat
    local more = false
    for _, each in ipairs(found) do
      if each[round] then ids[#ids + 1] = string.match(each[round], '([^%z]*)$') end
      more = more or each.count > round
    end
    round = round + 1
  until not more
  local there, waiting = redis.call('ZMSCORE', due, unpack(ids)), {{}}
  for i, id in ipairs(ids) do
    if there[i] then waiting[#waiting + 1] = id end
  end
  return waiting
end
"""
