"""Redis for applications: cached values, sessions, rate limits, locks and messages, bounded in time."""

from __future__ import annotations

from rung.runtime.cache.cache import Cache as Cache
from rung.runtime.cache.cache import cache as cache
from rung.runtime.cache.codec import JSON as JSON
from rung.runtime.cache.codec import RAW as RAW
from rung.runtime.cache.codec import Codec as Codec
from rung.runtime.cache.codec import JsonCodec as JsonCodec
from rung.runtime.cache.connection import RedisConnection as RedisConnection
from rung.runtime.cache.limits import Decision as Decision
from rung.runtime.cache.limits import RateLimit as RateLimit
from rung.runtime.cache.locks import HeldLock as HeldLock
from rung.runtime.cache.locks import lock as lock
from rung.runtime.cache.pubsub import Published as Published
from rung.runtime.cache.pubsub import publish as publish
from rung.runtime.cache.pubsub import subscribe as subscribe
from rung.runtime.cache.sessions import Session as Session
from rung.runtime.cache.sessions import Sessions as Sessions
