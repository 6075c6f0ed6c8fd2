"""The runtime interface of AWS Lambda: take the next event, answer it, say what failed.

Lambda starts the image's program once for each execution environment and tells it an address. There it asks for
events, one at a time; between two of them the environment is frozen. Source: AWS, "Using the Lambda runtime API
for custom runtimes" of the Lambda developer guide.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

#: Where Lambda says that its interface listens.
ADDRESS_VARIABLE = "AWS_LAMBDA_RUNTIME_API"
_VERSION = "/2018-06-01/runtime"
_REQUEST_ID, _DEADLINE = "Lambda-Runtime-Aws-Request-Id", "Lambda-Runtime-Deadline-Ms"
_TRACE = "Lambda-Runtime-Trace-Id"
_ERROR_TYPE = "Lambda-Runtime-Function-Error-Type"
#: A long traceback is cut: Lambda takes no answer above 6 MB, and the log has it whole.
TRACE_LINES = 100


class InterfaceError(Exception):
    """Lambda's interface is gone, or does not answer as it is documented."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """One event, and until when (monotonic seconds) it must be answered. `trace`: X-Ray's header, if any."""

    id: str
    body: bytes
    ends_at: float
    trace: str = ""

    def event(self) -> Any:
        """The event, decoded. Raises ValueError when it is not JSON."""
        return json.loads(self.body)


class RuntimeInterface:
    """One connection to the interface at `address` (`host:port`). Blocks; one thread at a time."""

    def __init__(self, address: str) -> None:
        # No timeout: the next event may come in a minute, or never, and the environment is frozen meanwhile.
        self._connection = http.client.HTTPConnection(address)

    def next(self) -> Invocation:
        """Wait for the next event. Raises InterfaceError."""
        headers, body = self._ask("GET", "/invocation/next")
        try:
            left = int(headers[_DEADLINE]) / 1_000 - time.time()
            return Invocation(
                id=headers[_REQUEST_ID],
                body=body,
                ends_at=time.monotonic() + left,
                trace=headers.get(_TRACE) or "",
            )
        except (KeyError, ValueError) as error:
            raise InterfaceError(f"an event without {error}") from error

    def answer(self, invocation: Invocation, result: object) -> None:
        """What the event came to."""
        self._ask("POST", f"/invocation/{invocation.id}/response", json.dumps(result).encode())

    def fail(self, invocation: Invocation, error: BaseException, trace: str = "") -> None:
        """The event as a whole failed: Lambda counts an error, and SQS delivers all of its messages again."""
        self._report(f"/invocation/{invocation.id}/error", error, trace)

    def fail_to_start(self, error: BaseException, trace: str = "") -> None:
        """No event can be taken at all."""
        self._report("/init/error", error, trace)

    def close(self) -> None:
        """End a wait in another thread, and the connection. It may be called twice."""
        if self._connection.sock is not None:
            with contextlib.suppress(OSError):  # the other side was faster
                self._connection.sock.shutdown(socket.SHUT_RDWR)
        self._connection.close()

    def _report(self, path: str, error: BaseException, trace: str) -> None:
        kind = type(error).__name__
        told = {"errorMessage": str(error), "errorType": kind, "stackTrace": trace.splitlines()[-TRACE_LINES:]}
        self._ask("POST", path, json.dumps(told).encode(), {_ERROR_TYPE: f"Runtime.{kind}"})

    def _ask(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> tuple[Mapping[str, str], bytes]:
        try:
            self._connection.request(method, _VERSION + path, body, dict(headers or {}))
            response = self._connection.getresponse()
            content = response.read()
        except (OSError, http.client.HTTPException) as error:
            raise InterfaceError(f"{path}: {error}") from error
        if response.status >= http.client.BAD_REQUEST:
            raise InterfaceError(f"{path}: {response.status} {content[:200].decode(errors='replace')}")
        return response.headers, content  # type: ignore[return-value]
