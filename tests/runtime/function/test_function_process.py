"""The entry of the image: a real process, Lambda's interface over HTTP, and a queue of the emulator."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.aws.emulator import REGION, Emulator
from tests.runtime.function.lambda_interface import LambdaInterface, finish, received

from rung.runtime.bindings import QueueBinding, encode, variable_name
from rung.runtime.queue.sqs import SqsQueue

LANES = ("urgent", "bulk")
HANDLERS = """
    import os, pathlib
    from rung.runtime.queue import Reject

    async def handle(message):
        if message.body == b"bad":
            raise Reject("cannot be read")
        with pathlib.Path("done.txt").open("a") as file:
            file.write(f"{message.lane} {message.body.decode()} {os.environ['_X_AMZN_TRACE_ID'][:7]}\\n")
"""


@pytest.fixture
def interface() -> Iterator[LambdaInterface]:
    opened = LambdaInterface()
    yield opened
    opened.close()


class FunctionProcess:
    """`python -m rung.runtime.function`, as the image's command has it."""

    def __init__(self, folder: Path, interface: LambdaInterface, binding: QueueBinding, handler: str) -> None:
        (folder / "handlers.py").write_text(textwrap.dedent(HANDLERS))
        self.log = folder / "log.txt"
        words = ["--name", "thumbs", "--queue", "orders", "--handler", handler, "--deadline-seconds", "20"]
        environment = {
            **os.environ, variable_name("orders"): encode(binding), "PYTHONPATH": str(folder),
            "AWS_LAMBDA_RUNTIME_API": interface.address,
        }  # fmt: skip
        with self.log.open("wb") as stream:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "rung.runtime.function", *words], cwd=folder, env=environment,
                stdout=stream, stderr=subprocess.STDOUT,
            )  # fmt: skip

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def binding(aws: Emulator) -> QueueBinding:
    made: dict[str, Any] = dict(aws.create_queue(f"orders-{secrets.token_hex(4)}", LANES, 3))
    return QueueBinding(adapter="sqs", **made, region=REGION, lanes=LANES, max_receive_count=3)


async def test_batches_are_worked_off_until_the_environment_ends(
    aws: Emulator, binding: QueueBinding, interface: LambdaInterface, tmp_path: Path
) -> None:
    orders, client = SqsQueue("orders", binding), aws.client("sqs")
    function = FunctionProcess(tmp_path, interface, binding, "handlers:handle")
    try:
        for body, lane in ((b"one", "urgent"), (b"two", "bulk"), (b"bad", "bulk")):
            await orders.send(body, lane=lane)
        for lane in LANES:
            records = received(client, binding.urls[lane])
            answer = interface.invoke({"Records": records})
            assert answer.path.endswith("/response")
            assert answer.document == {"batchItemFailures": []}
            finish(client, records, answer)
        wrong = interface.invoke({"key": "a test event of the console"})
        assert wrong.path.endswith("/error")
        assert wrong.document["errorType"] == "EventError"
        assert wrong.headers["Lambda-Runtime-Function-Error-Type"] == "Runtime.EventError"
        function.process.send_signal(signal.SIGTERM)
        assert function.process.wait(timeout=30) == 0, function.log.read_text()
        counts = await orders.statistics()
        (letter,) = await orders.dead_letters()
    finally:
        function.kill()
        await orders.close()
    assert (tmp_path / "done.txt").read_text().splitlines() == ["urgent one Root=1-", "bulk two Root=1-"]
    assert (counts.ready, counts.in_flight, counts.delayed) == (0, 0, 0)
    assert letter.reason == "cannot be read"


def test_a_handler_that_is_not_there_is_told_at_the_start(
    binding: QueueBinding, interface: LambdaInterface, tmp_path: Path
) -> None:
    function = FunctionProcess(tmp_path, interface, binding, "handlers:nobody")
    try:
        answer = interface.answers.get(timeout=30)
        assert function.process.wait(timeout=30) == 1
    finally:
        function.kill()
    assert answer.path == "/init/error"
    assert "nobody" in answer.document["errorMessage"]
