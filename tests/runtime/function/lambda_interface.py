"""What stands around a function in these tests: Lambda's runtime interface, and what Lambda does with a queue.

The interface is the documented protocol (AWS, "Using the Lambda runtime API for custom runtimes") over HTTP, with
one event at a time. The events have the shape of AWS, "Using Lambda with Amazon SQS".
"""

from __future__ import annotations

import base64
import json
import queue
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.aws.emulator import REGION

ACCOUNT = "123456789012"
PREFIX = "/2018-06-01/runtime"
WAIT_SECONDS = 30.0


@dataclass(frozen=True)
class Answer:
    """What a function posted: `path` after the version, and the document."""

    path: str
    document: Any
    headers: dict[str, str] = field(default_factory=dict)


class LambdaInterface:
    """Hands over the events that are given to it and keeps what is answered."""

    def __init__(self) -> None:
        self.answers: queue.Queue[Answer] = queue.Queue()
        self._events: queue.Queue[tuple[str, bytes, float] | None] = queue.Queue()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._count = 0
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )
        self._thread.start()
        self.address = f"127.0.0.1:{self._server.server_port}"

    def invoke(self, event: object, seconds: float = 60.0) -> Answer:
        """Give an event to whoever asks next, and wait for its answer."""
        self._count += 1
        self._events.put((f"request-{self._count}", json.dumps(event).encode(), time.time() + seconds))
        return self.answers.get(timeout=WAIT_SECONDS)

    def close(self) -> None:
        """End it, and whoever waits for an event."""
        self._events.put(None)
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                given = outer._events.get()
                if self.path != f"{PREFIX}/invocation/next" or given is None:
                    self._reply(410, {}, b"")
                    return
                request, body, ends = given
                self._reply(200, {
                    "Lambda-Runtime-Aws-Request-Id": request, "Lambda-Runtime-Deadline-Ms": str(int(ends * 1000)),
                    "Lambda-Runtime-Trace-Id": "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=0",
                    "Lambda-Runtime-Invoked-Function-Arn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:thumbs",
                }, body)  # fmt: skip

            def do_POST(self) -> None:
                content = self.rfile.read(int(self.headers["Content-Length"]))
                outer.answers.put(
                    Answer(self.path.removeprefix(PREFIX), json.loads(content), dict(self.headers.items()))
                )
                self._reply(202, {}, b'{"status":"OK"}')

            def _reply(self, status: int, headers: dict[str, str], body: bytes) -> None:
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its base calls it so
                pass

        return Handler


def arn_of(url: str) -> str:
    """The ARN of a queue of the emulator."""
    return f"arn:aws:sqs:{REGION}:{ACCOUNT}:{url.rpartition('/')[2]}"


def received(client: Any, url: str, count: int = 10) -> list[dict[str, Any]]:
    """What Lambda's poller receives from a queue, as the records of an event."""
    answer = client.receive_message(
        QueueUrl=url, MaxNumberOfMessages=count, MessageAttributeNames=["All"],
        MessageSystemAttributeNames=["All"],
    )  # fmt: skip
    return [_record(raw, url) for raw in answer.get("Messages", [])]


def finish(client: Any, records: list[dict[str, Any]], answer: Answer) -> None:
    """What Lambda does after an answer: it deletes what was not reported as failed."""
    failed = {each["itemIdentifier"] for each in answer.document["batchItemFailures"]}
    for record in records:
        if record["messageId"] not in failed:
            url = client.get_queue_url(QueueName=record["eventSourceARN"].rpartition(":")[2])["QueueUrl"]
            client.delete_message(QueueUrl=url, ReceiptHandle=record["receiptHandle"])


def _record(raw: dict[str, Any], url: str) -> dict[str, Any]:
    return {
        "messageId": raw["MessageId"], "receiptHandle": raw["ReceiptHandle"], "body": raw["Body"],
        "attributes": raw["Attributes"],
        "messageAttributes": {name: _attribute(value) for name, value in raw.get("MessageAttributes", {}).items()},
        "md5OfBody": raw["MD5OfBody"], "eventSource": "aws:sqs", "eventSourceARN": arn_of(url),
        "awsRegion": REGION,
    }  # fmt: skip


def _attribute(value: dict[str, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = {"stringListValues": [], "binaryListValues": [], "dataType": value["DataType"]}
    if "BinaryValue" in value:
        return {**kept, "binaryValue": base64.b64encode(value["BinaryValue"]).decode()}
    return {**kept, "stringValue": value["StringValue"]}
