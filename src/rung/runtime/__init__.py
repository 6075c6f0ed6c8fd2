"""What applications import: `from rung.runtime import database, queue, cache, secret, current`.

Names are loaded on first use, so that a worker without a database never imports its driver.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rung.runtime.bindings import secret as secret
    from rung.runtime.context import Context as Context
    from rung.runtime.context import Deadline as Deadline
    from rung.runtime.context import Tenant as Tenant
    from rung.runtime.context import current as current
    from rung.runtime.context import serving as serving
    from rung.runtime.context import serving_tenant as serving_tenant
    from rung.runtime.queue import Entry as Entry
    from rung.runtime.queue import Message as Message
    from rung.runtime.queue import Queue as Queue
    from rung.runtime.queue import Reject as Reject
    from rung.runtime.queue import RetryAfter as RetryAfter
    from rung.runtime.queue import install_queue as install_queue
    from rung.runtime.queue import queue as queue

_HOME_OF = {
    "Context": "rung.runtime.context",
    "Deadline": "rung.runtime.context",
    "Entry": "rung.runtime.queue",
    "Message": "rung.runtime.queue",
    "Queue": "rung.runtime.queue",
    "Reject": "rung.runtime.queue",
    "RetryAfter": "rung.runtime.queue",
    "Tenant": "rung.runtime.context",
    "current": "rung.runtime.context",
    "install_queue": "rung.runtime.queue",
    "queue": "rung.runtime.queue",
    "secret": "rung.runtime.bindings",
    "serving": "rung.runtime.context",
    "serving_tenant": "rung.runtime.context",
}

__all__ = sorted(_HOME_OF)  # noqa: PLE0605 - one table, so that a name cannot be in one list alone


def __getattr__(name: str) -> object:
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has {', '.join(__all__)}")
    value: object = getattr(importlib.import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
