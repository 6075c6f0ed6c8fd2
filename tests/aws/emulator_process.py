"""moto's server as a process of its own, with two things that AWS does not offer: its clock can be moved, and it
tells which actions were called, by whom, on what. Prints its port, then serves until it is ended.

What changes a queue is serialised: moto scans it without a lock and may give one message to two receivers, and it
deletes by writing the list of all others anew, which brings back what another has deleted meanwhile.
"""

from __future__ import annotations

import functools
import io
import json
import re
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

import moto.sqs.models as sqs
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

SHIFT = {"seconds": 0.0}
CALLS: list[dict[str, str]] = []
_changing = threading.RLock()
_receive = sqs.SQSBackend.receive_message


def _unix_time(*_: object) -> float:
    return time.time() + SHIFT["seconds"]


def _unix_time_millis(*_: object) -> float:
    return _unix_time() * 1000


def _receive_one_at_a_time(
    self: Any, queue_name: str, count: int, wait_seconds_timeout: int, *rest: Any, **named: Any
) -> Any:
    end = time.monotonic() + wait_seconds_timeout
    while True:
        with _changing:
            found = _receive(self, queue_name, count, 0, *rest, **named)
        if found or time.monotonic() >= end:
            return found
        time.sleep(0.02)


def _one_at_a_time(change: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(change)
    def changed(*given: Any, **named: Any) -> Any:
        with _changing:
            return change(*given, **named)

    return changed


sqs.unix_time = _unix_time
sqs.unix_time_millis = _unix_time_millis
sqs.SQSBackend.receive_message = _receive_one_at_a_time
for _name in ("send_message", "delete_message", "change_message_visibility", "purge_queue"):
    setattr(sqs.SQSBackend, _name, _one_at_a_time(getattr(sqs.SQSBackend, _name)))

PREFIXES = {
    "AmazonSQS": "sqs",
    "secretsmanager": "secretsmanager",
    "TrentService": "kms",
    "DynamoDB_20120810": "dynamodb",
}


def _noted(environ: dict[str, Any], body: bytes) -> None:
    """Which action a request is, by its target header."""
    target = environ.get("HTTP_X_AMZ_TARGET", "")
    service, _, operation = target.partition(".")
    caller = re.search(r"Credential=([^/]+)/", environ.get("HTTP_AUTHORIZATION", ""))
    if service in PREFIXES and caller:
        asked = json.loads(body or b"{}")
        resource = asked.get("QueueUrl") or asked.get("SecretId") or asked.get("TableName") or ""
        # In policies the batch operations have the names of the single ones.
        action = f"{PREFIXES[service]}:{operation.removesuffix('Batch')}"
        CALLS.append({"principal": caller[1], "action": action, "resource": resource})


class Recorder:
    """Between the server and moto."""

    def __init__(self, application: Callable[..., Iterable[bytes]]) -> None:
        self._application = application

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        length = int(environ.get("CONTENT_LENGTH") or 0)
        body = environ["wsgi.input"].read(length) if length else b""
        environ["wsgi.input"] = io.BytesIO(body)
        if environ["PATH_INFO"] == "/test/advance":
            SHIFT["seconds"] += float(body)
            return _answer(start_response, b"")
        if environ["PATH_INFO"] == "/test/calls":
            return _answer(start_response, json.dumps(CALLS).encode())
        _noted(environ, body)
        return self._application(environ, start_response)


def _answer(start_response: Callable[..., Any], body: bytes) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]


class Handler(WSGIRequestHandler):
    """Keeps connections open, as AWS does, and logs nothing."""

    protocol_version = "HTTP/1.1"

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Nothing."""


if __name__ == "__main__":
    server = make_server(
        "127.0.0.1",
        0,
        Recorder(DomainDispatcherApplication(create_backend_app)),
        threaded=True,
        request_handler=Handler,
    )
    print(server.port, flush=True)
    server.serve_forever()
