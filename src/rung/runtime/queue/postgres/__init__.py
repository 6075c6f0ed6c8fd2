"""The queue on Postgres."""

from rung.runtime.queue.postgres.adapter import PostgresQueue as PostgresQueue
from rung.runtime.queue.postgres.schema import install_queue as install_queue
