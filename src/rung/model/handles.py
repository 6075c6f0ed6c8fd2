"""What the builder returns: references to nodes, one type per kind, so that a typo is a type error.

A handle offers its node's verbs (`orders.send`) and nothing else; the node itself is frozen when the workload is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rung.model.edges import Use, Verb

if TYPE_CHECKING:
    from rung.model.builder import Workload


class Handle:
    """A reference to one node of one workload."""

    __slots__ = ("_name", "_workload")
    kind = "node"

    def __init__(self, workload: Workload, name: str) -> None:
        self._workload = workload
        self._name = name

    @property
    def name(self) -> str:
        """The node's name: its identity, on every rung."""
        return self._name

    @property
    def workload(self) -> Workload:
        """The workload it belongs to."""
        return self._workload

    def __repr__(self) -> str:
        return f"<{self.kind} {self._name!r}>"


class Does:
    """A verb as an attribute: reading it from a handle gives the `Use`."""

    __slots__ = ("verbs",)

    def __init__(self, *verbs: Verb) -> None:
        self.verbs = verbs

    def __get__(self, handle: Handle, owner: type[Handle]) -> Use:
        return Use(target=handle.name, verbs=self.verbs)


class ProcessHandle(Handle):
    """Something that runs: it may use other nodes and start after them."""

    __slots__ = ()


class ServiceHandle(ProcessHandle):
    """A service. `api.call` is the use of it."""

    __slots__ = ()
    kind = "service"
    call = Does("call")


class WorkerHandle(ProcessHandle):
    """A worker. Nothing calls it: its queue does."""

    __slots__ = ()
    kind = "worker"


class ScheduleHandle(ProcessHandle):
    """A schedule. Nothing calls it: the clock does."""

    __slots__ = ()
    kind = "schedule"


class JobHandle(ProcessHandle):
    """A job. `render.run` is the use of it."""

    __slots__ = ()
    kind = "job"
    run = Does("run")


class WorkflowHandle(ProcessHandle):
    """A workflow. `onboarding.start` is the use of it."""

    __slots__ = ()
    kind = "workflow"
    start = Does("start")


class QueueHandle(Handle):
    """A queue. `orders.send` and `orders.consume` are the uses of it."""

    __slots__ = ()
    kind = "queue"
    send = Does("send")
    consume = Does("consume")

    def drained_by(self, who: str) -> None:
        """Say that something outside of the workload receives from it: `orders.drained_by("external")`."""
        self._workload.amend(self, drained_by=who)

    def filled_by(self, who: str) -> None:
        """Say that something outside of the workload sends to it: `uploads.filled_by("external")`."""
        self._workload.amend(self, filled_by=who)


class BusHandle(Handle):
    """An event bus. `events.publish` is the use of it."""

    __slots__ = ()
    kind = "bus"
    publish = Does("publish")


class RuleHandle(Handle):
    """A rule on a bus."""

    __slots__ = ()
    kind = "rule"


class StoreHandle(Handle):
    """Something that keeps data. `db.read` and `db.write` are the uses of it; `db` alone means both."""

    __slots__ = ()
    kind = "store"
    read = Does("read")
    write = Does("write")


class PostgresHandle(StoreHandle):
    """A database."""

    __slots__ = ()
    kind = "postgres"


class CacheHandle(StoreHandle):
    """A cache."""

    __slots__ = ()
    kind = "cache"


class TableHandle(StoreHandle):
    """A key-value table."""

    __slots__ = ()
    kind = "table"


class BucketHandle(StoreHandle):
    """A bucket. `uploads` alone means read and write; deleting and listing are asked for by name."""

    __slots__ = ()
    kind = "bucket"
    delete = Does("delete")
    list = Does("list")


class FilesHandle(StoreHandle):
    """A shared file system."""

    __slots__ = ()
    kind = "files"


class SearchHandle(StoreHandle):
    """A search index."""

    __slots__ = ()
    kind = "search"


class SiteHandle(Handle):
    """Static files."""

    __slots__ = ()
    kind = "site"


class SecretHandle(Handle):
    """A secret. `stripe.read` is the use of it."""

    __slots__ = ()
    kind = "secret"
    read = Does("read")


class ExternalHandle(Handle):
    """A host outside. `pay.connect` is the use of it."""

    __slots__ = ()
    kind = "external"
    connect = Does("connect")


Usable = Handle | Use
