"""Calling AWS: botocore in threads, with a bounded total time (docs/adr/0012-queue-on-sqs.md).

One client per service and region serves the whole process; botocore's clients may be used by many threads.
The threads are each user's own, so that one that waits keeps no other waiting. Credentials and region come from
where botocore finds them: on ECS from the task's role, here from the environment.
"""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from rung.runtime.context import current_deadline
from rung.runtime.errors import DeadlineExceededError

CONNECT_SECONDS = 2.0
ANSWER_SECONDS = 5.0
#: Of one call, with botocore's own backoff and jitter between them.
ATTEMPTS = 3
#: The longest that AWS itself waits before it answers: a long poll.
WAIT_SECONDS_MAX = 20.0
CONNECTIONS_MAX = 64

_clients: dict[tuple[str, str | None, bool], Any] = {}
_making = threading.Lock()


def client(service: str, region: str | None, *, waits: bool = False) -> Any:
    """The process's client of a service. `waits`: for long polls, which are never repeated by the client."""
    key = (service, region, waits)
    with _making:
        if key not in _clients:
            _clients[key] = _make(service, region, waits)
        return _clients[key]


def _make(service: str, region: str | None, waits: bool) -> Any:
    import botocore.session
    from botocore.config import Config

    settings = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=ANSWER_SECONDS + (WAIT_SECONDS_MAX if waits else 0.0),
        max_pool_connections=CONNECTIONS_MAX,
        retries={"mode": "standard", "total_max_attempts": 1 if waits else ATTEMPTS},
        tcp_keepalive=True,
        user_agent_extra="rung",
    )
    return botocore.session.get_session().create_client(service, region_name=region, config=settings)


def forget_clients() -> None:
    """The next call makes new clients: after the environment has changed, in tests."""
    with _making:
        _clients.clear()


class Caller:
    """Calls one service from threads of its own. Works in any event loop, and in several."""

    def __init__(self, service: str, region: str | None, *, threads: int, waits: bool = False) -> None:
        self._service = service
        self._region = region
        self._waits = waits
        self._count = threads
        self._threads: ThreadPoolExecutor | None = None

    async def call(self, operation: str, resource: str, **parameters: Any) -> Any:
        """Call `operation` (`SendMessage`); `resource` is how errors name what it was about.

        Raises UnavailableError, OverloadedError, BindingError (no right, no such resource) and
        DeadlineExceededError; then the call may still be under way, and whether it is done is unknown.
        """
        deadline = current_deadline()
        loop = asyncio.get_running_loop()
        if self._threads is None:
            self._threads = ThreadPoolExecutor(self._count, thread_name_prefix=f"rung-{self._service}")
        calling = loop.run_in_executor(self._threads, self.call_now, operation, resource, parameters)
        if deadline is None:
            return await calling
        try:
            async with asyncio.timeout(deadline.require()):
                return await calling
        except TimeoutError as error:
            raise DeadlineExceededError(f"{self._service}:{operation} took longer than the caller has") from error

    def call_now(self, operation: str, resource: str, parameters: dict[str, Any]) -> Any:
        """The same in this thread, blocking it."""
        from botocore import xform_name

        from rung.runtime.aws.failures import translate

        try:
            method = getattr(client(self._service, self._region, waits=self._waits), xform_name(operation))
            return method(**parameters)
        except Exception as error:
            raise translate(error, f"{self._service}:{operation}", resource) from error

    def close(self) -> None:
        """End the threads, those that are calling when they are done. The next call starts new ones."""
        threads, self._threads = self._threads, None
        if threads is not None:
            threads.shutdown(wait=False)
