"""What applications import: `from rung.runtime import database, queue, cache, secret, current`.

Names are loaded on first use, so that a worker without a database never imports its driver. To add a
name: one line under TYPE_CHECKING, one in `_HOME_OF`.

`rung.runtime.database` is a package, and `database` here the function of that name. The function always
wins: `from rung.runtime.database import X` still reads from the package.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rung.front_door import open_on_use

if TYPE_CHECKING:
    from rung.runtime.bindings import secret as secret
    from rung.runtime.bus import Bus as Bus
    from rung.runtime.bus import EventEntry as EventEntry
    from rung.runtime.bus import bus as bus
    from rung.runtime.cache.cache import Cache as Cache
    from rung.runtime.cache.cache import cache as cache
    from rung.runtime.context import Context as Context
    from rung.runtime.context import Deadline as Deadline
    from rung.runtime.context import Tenant as Tenant
    from rung.runtime.context import current as current
    from rung.runtime.context import serving as serving
    from rung.runtime.context import serving_tenant as serving_tenant
    from rung.runtime.database.database import Database as Database
    from rung.runtime.database.database import database as database
    from rung.runtime.items import ConditionFailedError as ConditionFailedError
    from rung.runtime.items import Table as Table
    from rung.runtime.items import table as table
    from rung.runtime.objects import Bucket as Bucket
    from rung.runtime.objects import ObjectExistsError as ObjectExistsError
    from rung.runtime.objects import bucket as bucket
    from rung.runtime.queue import Entry as Entry
    from rung.runtime.queue import Message as Message
    from rung.runtime.queue import Queue as Queue
    from rung.runtime.queue import Reject as Reject
    from rung.runtime.queue import RetryAfter as RetryAfter
    from rung.runtime.queue import install_queue as install_queue
    from rung.runtime.queue import queue as queue
    from rung.runtime.workflow import Retry as Retry
    from rung.runtime.workflow import WorkflowContext as WorkflowContext
    from rung.runtime.workflow import install_workflows as install_workflows
    from rung.runtime.workflow import workflow as workflow
    from rung.runtime.workflow.approvals import approvals as approvals

_HOME_OF = {
    "Bucket": "rung.runtime.objects",
    "Bus": "rung.runtime.bus",
    "Cache": "rung.runtime.cache.cache",
    "ConditionFailedError": "rung.runtime.items",
    "Context": "rung.runtime.context",
    "Database": "rung.runtime.database.database",
    "Deadline": "rung.runtime.context",
    "Entry": "rung.runtime.queue",
    "EventEntry": "rung.runtime.bus",
    "Message": "rung.runtime.queue",
    "ObjectExistsError": "rung.runtime.objects",
    "Queue": "rung.runtime.queue",
    "Reject": "rung.runtime.queue",
    "Retry": "rung.runtime.workflow",
    "RetryAfter": "rung.runtime.queue",
    "Table": "rung.runtime.items",
    "Tenant": "rung.runtime.context",
    "WorkflowContext": "rung.runtime.workflow",
    "approvals": "rung.runtime.workflow.approvals",
    "bucket": "rung.runtime.objects",
    "bus": "rung.runtime.bus",
    "cache": "rung.runtime.cache.cache",
    "current": "rung.runtime.context",
    "database": "rung.runtime.database.database",
    "install_queue": "rung.runtime.queue",
    "install_workflows": "rung.runtime.workflow",
    "queue": "rung.runtime.queue",
    "secret": "rung.runtime.bindings",
    "serving": "rung.runtime.context",
    "serving_tenant": "rung.runtime.context",
    "table": "rung.runtime.items",
    "workflow": "rung.runtime.workflow",
}


open_on_use(__name__, _HOME_OF)
