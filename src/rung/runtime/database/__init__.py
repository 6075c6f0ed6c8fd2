"""Postgres for applications: a bounded pool, bounded calls, tenants kept apart by the database itself."""

from rung.runtime.database.database import Database as Database
from rung.runtime.database.database import database as database
from rung.runtime.database.limits import Limits as Limits
from rung.runtime.database.pool import PoolStatistics as PoolStatistics
