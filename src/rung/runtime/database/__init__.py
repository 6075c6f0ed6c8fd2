"""Postgres for applications: a bounded pool, bounded calls, tenants kept apart by the database itself."""

from rung.runtime.database.counting import count_queries as count_queries
from rung.runtime.database.database import Database as Database
from rung.runtime.database.database import database as database
from rung.runtime.database.isolation import check_isolation as check_isolation
from rung.runtime.database.isolation import check_serving_role as check_serving_role
from rung.runtime.database.isolation import unprotected_tables as unprotected_tables
from rung.runtime.database.limits import Limits as Limits
from rung.runtime.database.pool import PoolStatistics as PoolStatistics
from rung.runtime.database.tenancy import create_serving_role as create_serving_role
from rung.runtime.database.tenancy import rls_statements as rls_statements
