"""What a cached value looks like in Redis, and the Lua that reads, fills and forgets it.

An entry is 13 bytes of header and the encoded value: flags, the wall time until which it is fresh, and how
long its source took. Redis' own expiry is the end of its stale time.

Filling is fenced: whoever loads holds `lock:<key>` with a random token, and only the holder's value is stored.
Forgetting a key deletes its lock too, so that a value loaded *before* a change is never stored *after* it.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from rung.runtime.cache.connection import Script

_HEADER = struct.Struct(">Bdf")
_VERSION = 0x10
_NEGATIVE = 0x01


@dataclass(frozen=True, slots=True)
class Entry:
    """A value as it was found: `data` is None for "the source has nothing"."""

    data: bytes | None
    fresh_until: float
    load_seconds: float

    def encode(self) -> bytes:
        """The bytes to store."""
        flags = _VERSION | (_NEGATIVE if self.data is None else 0)
        return _HEADER.pack(flags, self.fresh_until, self.load_seconds) + (self.data or b"")


def decode(stored: bytes | None) -> Entry | None:
    """The entry; None for none, and for bytes that another version wrote."""
    if stored is None or len(stored) < _HEADER.size or stored[0] & 0xF0 != _VERSION:
        return None
    flags, fresh_until, load_seconds = _HEADER.unpack_from(stored)
    data = None if flags & _NEGATIVE else stored[_HEADER.size :]
    return Entry(data, fresh_until, load_seconds)


def lock_key(key: str) -> str:
    """The lock of whoever loads `key`."""
    return "lock:" + key


_JOIN_TAGS = """
for i = 3, #KEYS do
  redis.call('SADD', KEYS[i], KEYS[1])
  if redis.call('PTTL', KEYS[i]) < tonumber(ARGV[3]) then redis.call('PEXPIRE', KEYS[i], ARGV[3]) end
end
"""

# KEYS: entry, lock, tag sets...   ARGV: token, lock milliseconds, tag milliseconds, 1 to lock over a value
# The key joins its tags before it is loaded: forgetting a tag then also stops the loads that are under way.
BEGIN = Script(
    """
local value = redis.call('GET', KEYS[1])
if value and ARGV[4] == '0' then return {value, 0} end
if not redis.call('SET', KEYS[2], ARGV[1], 'NX', 'PX', ARGV[2]) then return {value, 0} end
"""
    + _JOIN_TAGS
    + "return {value, 1}"
)

# KEYS: entry, lock   ARGV: token, value, milliseconds
STORE = Script("""
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
redis.call('DEL', KEYS[2])
return 1
""")

# KEYS: lock   ARGV: token, milliseconds (0: release)
EXTEND = Script("""
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[2] == '0' then return redis.call('DEL', KEYS[1]) end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
""")

# KEYS: entry, lock, tag sets...   ARGV: value, milliseconds, tag milliseconds, channel, message
PUT = Script(
    """
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
redis.call('DEL', KEYS[2])
"""
    + _JOIN_TAGS
    + "return redis.call('PUBLISH', ARGV[4], ARGV[5])"
)

# KEYS: tag sets   ARGV: channel, origin   ->  the keys that were forgotten
FORGET_TAGS = Script("""
local forgotten = {}
for i = 1, #KEYS do
  for _, key in ipairs(redis.call('SMEMBERS', KEYS[i])) do
    redis.call('UNLINK', key, 'lock:' .. key)
    forgotten[#forgotten + 1] = key
  end
  redis.call('UNLINK', KEYS[i])
end
if #forgotten > 0 then redis.call('PUBLISH', ARGV[1], cjson.encode({ARGV[2], forgotten})) end
return forgotten
""")
