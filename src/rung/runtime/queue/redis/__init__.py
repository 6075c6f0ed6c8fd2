"""The queue on Redis or Valkey: sorted sets and hashes, moved by scripts, one round trip for each batch."""

from rung.runtime.queue.redis.adapter import RedisQueue as RedisQueue
