"""The emulator of AWS that tests talk to: moto's server, started as a process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import botocore.session

REGION = "eu-central-1"
PROGRAM = Path(__file__).with_name("emulator_process.py")


class Emulator:
    """A running emulator. It keeps everything in memory: what is killed has forgotten all."""

    def __init__(self) -> None:
        environment = {**os.environ, "MOTO_CALL_RESET_API": "false", "AWS_DEFAULT_REGION": REGION}
        self.process = subprocess.Popen(
            [sys.executable, str(PROGRAM)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
        )
        assert self.process.stdout is not None
        self.url = f"http://127.0.0.1:{int(self.process.stdout.readline())}"

    def environment(self, principal: str = "test") -> dict[str, str]:
        """What a process needs to find it. `principal` is the name that its calls are recorded under."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": principal,
            "AWS_SECRET_ACCESS_KEY": "unused",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def client(self, service: str) -> Any:
        """A client of its own for the test itself, recorded as `setup`."""
        return botocore.session.get_session().create_client(
            service,
            region_name=REGION,
            endpoint_url=self.url,
            aws_access_key_id="setup",
            aws_secret_access_key="unused",
        )

    def advance(self, seconds: float) -> None:
        """Move the clock that SQS goes by."""
        self._ask("/test/advance", str(seconds).encode())

    def calls(self) -> list[dict[str, str]]:
        """Every call so far: principal, action, resource."""
        found: list[dict[str, str]] = json.loads(self._ask("/test/calls"))
        return found

    def _ask(self, path: str, body: bytes | None = None) -> bytes:
        with urllib.request.urlopen(urllib.request.Request(self.url + path, data=body), timeout=10) as answer:
            content: bytes = answer.read()
            return content

    def create_queue(
        self, name: str, lanes: tuple[str, ...], max_receive_count: int
    ) -> dict[str, Mapping[str, str]]:
        """The queues and dead-letter queues of all lanes: the fields of a binding."""
        sqs = self.client("sqs")
        urls, dead_urls = {}, {}
        for lane in lanes:
            dead_urls[lane] = sqs.create_queue(QueueName=f"{name}-{lane}-dead")["QueueUrl"]
            target = sqs.get_queue_attributes(QueueUrl=dead_urls[lane], AttributeNames=["QueueArn"])
            policy = {
                "deadLetterTargetArn": target["Attributes"]["QueueArn"],
                "maxReceiveCount": max_receive_count,
            }
            attributes = {"RedrivePolicy": json.dumps(policy), "MaximumMessageSize": "262144"}
            urls[lane] = sqs.create_queue(QueueName=f"{name}-{lane}", Attributes=attributes)["QueueUrl"]
        return {"urls": urls, "dead_letter_urls": dead_urls}

    def stop(self) -> None:
        """End it."""
        self.process.kill()
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()
