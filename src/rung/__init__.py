"""The front door of a workload file: `from rung import Business, Objectives, Traffic, Workload`.

Names are loaded at their first use: an application that imports `rung.runtime` never loads the model.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rung.model.builder import Workload as Workload
    from rung.model.environments import ExistingVpc as ExistingVpc
    from rung.model.environments import OfficeHours as OfficeHours
    from rung.model.environments import QuietHours as QuietHours
    from rung.model.existing import ExistingCache as ExistingCache
    from rung.model.existing import ExistingDatabase as ExistingDatabase
    from rung.model.existing import ExistingFiles as ExistingFiles
    from rung.model.existing import ExistingLoadBalancer as ExistingLoadBalancer
    from rung.model.existing import ExistingQueue as ExistingQueue
    from rung.model.graph import Graph as Graph
    from rung.model.nodes import Bucket as Bucket
    from rung.model.nodes import Bus as Bus
    from rung.model.nodes import Business as Business
    from rung.model.nodes import Cache as Cache
    from rung.model.nodes import Environment as Environment
    from rung.model.nodes import External as External
    from rung.model.nodes import Files as Files
    from rung.model.nodes import Job as Job
    from rung.model.nodes import Node as Node
    from rung.model.nodes import Objectives as Objectives
    from rung.model.nodes import Postgres as Postgres
    from rung.model.nodes import Queue as Queue
    from rung.model.nodes import Route as Route
    from rung.model.nodes import Rule as Rule
    from rung.model.nodes import Schedule as Schedule
    from rung.model.nodes import Search as Search
    from rung.model.nodes import Secret as Secret
    from rung.model.nodes import Service as Service
    from rung.model.nodes import Site as Site
    from rung.model.nodes import Subscriber as Subscriber
    from rung.model.nodes import Table as Table
    from rung.model.nodes import Tenancy as Tenancy
    from rung.model.nodes import Traffic as Traffic
    from rung.model.nodes import Worker as Worker
    from rung.model.nodes import Workflow as Workflow
    from rung.model.nodes import database_per_tenant as database_per_tenant
    from rung.model.nodes import rls as rls
    from rung.model.nodes import schema_per_tenant as schema_per_tenant
    from rung.model.nodes import single_tenant as single_tenant
    from rung.model.read import load_workload as load_workload
    from rung.model.rules import Transform as Transform

_HOMES = {"Workload": "rung.model.builder", "Graph": "rung.model.graph", "load_workload": "rung.model.read",
          "ExistingVpc": "rung.model.environments", "OfficeHours": "rung.model.environments",
          "QuietHours": "rung.model.environments",
          "ExistingCache": "rung.model.existing", "ExistingDatabase": "rung.model.existing",
          "ExistingFiles": "rung.model.existing",
          "ExistingLoadBalancer": "rung.model.existing", "ExistingQueue": "rung.model.existing",
          "Transform": "rung.model.rules"}  # fmt: skip

__all__ = [
    "Bucket",
    "Bus",
    "Business",
    "Cache",
    "Environment",
    "ExistingCache",
    "ExistingDatabase",
    "ExistingFiles",
    "ExistingLoadBalancer",
    "ExistingQueue",
    "ExistingVpc",
    "External",
    "Files",
    "Graph",
    "Job",
    "Node",
    "Objectives",
    "OfficeHours",
    "Postgres",
    "Queue",
    "QuietHours",
    "Route",
    "Rule",
    "Schedule",
    "Search",
    "Secret",
    "Service",
    "Site",
    "Subscriber",
    "Table",
    "Tenancy",
    "Traffic",
    "Transform",
    "Worker",
    "Workflow",
    "Workload",
    "database_per_tenant",
    "load_workload",
    "rls",
    "schema_per_tenant",
    "single_tenant",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'rung' has no attribute {name!r}")
    value = getattr(import_module(_HOMES.get(name, "rung.model.nodes")), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
