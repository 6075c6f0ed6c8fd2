"""Calling AWS: botocore in threads, with a bounded total time (docs/adr/0012-queue-on-sqs.md).

One client per service and region serves the whole process; botocore's clients may be used by many threads.
The threads are each user's own, so that one that waits keeps no other waiting. Credentials and region come from
where botocore finds them: on ECS from the task's role, here from the environment.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from rung.runtime.context import current_deadline
from rung.runtime.errors import DeadlineExceededError

CONNECTIONS_MAX = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How long one call may take: seconds to connect and to the answer, and attempts with backoff between them."""

    connect_seconds: float = 2.0
    answer_seconds: float = 5.0
    attempts: int = 3


USUAL = Pace()
#: Somebody waits for it in a request.
BRIEF = Pace(connect_seconds=1.0, answer_seconds=2.0, attempts=2)
#: AWS holds it for up to 20 s. Never repeated: what the first one brought is leased.
LONG_POLL = Pace(answer_seconds=25.0, attempts=1)

_clients: dict[tuple[str, str | None, Pace], Any] = {}
_making = threading.Lock()


def client(service: str, region: str | None, pace: Pace = USUAL) -> Any:
    """The process's client of a service."""
    key = (service, region, pace)
    with _making:
        if key not in _clients:
            _clients[key] = _make(service, region, pace)
        return _clients[key]


@lru_cache(maxsize=1)
def session() -> Any:
    """botocore's, with the credentials of this process, which it renews by itself."""
    import botocore.session

    logging.getLogger("botocore").setLevel(logging.WARNING)  # where it found what, at every start
    return botocore.session.get_session()


def _make(service: str, region: str | None, pace: Pace) -> Any:
    from botocore.config import Config

    settings = Config(
        connect_timeout=pace.connect_seconds,
        read_timeout=pace.answer_seconds,
        max_pool_connections=CONNECTIONS_MAX,
        retries={"mode": "standard", "total_max_attempts": pace.attempts},
        tcp_keepalive=True,
        user_agent_extra="rung",
        # Links to objects that a key of ours encrypts are refused with the older signature.
        signature_version="s3v4" if service == "s3" else None,
    )
    return session().create_client(service, region_name=region, config=settings)


def forget_clients() -> None:
    """The next call makes new clients: after the environment has changed, in tests."""
    with _making:
        _clients.clear()
        session.cache_clear()


class Caller:
    """Calls one service from threads of its own. Works in any event loop, and in several."""

    def __init__(self, service: str, region: str | None, *, threads: int, pace: Pace = USUAL) -> None:
        self._service = service
        self._region = region
        self._pace = pace
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
        return call_now(self._service, self._region, self._pace, operation, resource, parameters)

    def close(self) -> None:
        """End the threads, those that are calling when they are done. The next call starts new ones."""
        threads, self._threads = self._threads, None
        if threads is not None:
            threads.shutdown(wait=False)


def call_now(
    service: str, region: str | None, pace: Pace, operation: str, resource: str, parameters: dict[str, Any]
) -> Any:
    """Call `operation` of a service in this thread, blocking it. Raises as `Caller.call` does."""
    from botocore import xform_name

    from rung.runtime.aws.failures import translate

    try:
        method = getattr(client(service, region, pace), xform_name(operation))
        answer = method(**parameters)
        if hasattr(answer.get("Body"), "read"):  # an object: it may break off while it is read, like any answer
            answer["Body"] = answer["Body"].read()
        return answer
    except Exception as error:
        raise translate(error, f"{service}:{operation}", resource) from error
