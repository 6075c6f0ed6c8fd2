"""A design's processes, started here as ECS would start them: each with its own environment, name and secrets.

Late values become what stands for them here: queues and secrets of the emulator, the Postgres and Redis of the
tests. Each process calls AWS under its own name, so that the emulator's record says who did what.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
from tests.aws.emulator import Emulator

from rung.parts.compute import Container
from rung.parts.data import SecretPart
from rung.parts.design import Design
from rung.parts.messaging import SqsQueue
from rung.parts.values import Document, Reference, Sequence, Value

SHOP = Path(__file__).parents[2] / "workloads" / "shop"


class Deployment:
    """The parts of one design that need something, and what they have got."""

    def __init__(
        self, design: Design, emulator: Emulator, database_url: str, cache_url: str, folder: Path
    ) -> None:
        self.design = design
        self.emulator = emulator
        self.database = urlsplit(database_url)
        self.cache_url = cache_url
        self.folder = folder
        self.processes: list[subprocess.Popen[bytes]] = []
        #: What an identifier of AWS belongs to: part and output.
        self.resources: dict[str, tuple[str, str]] = {}
        self._outputs: dict[tuple[str, str], str] = {}
        self._unique = secrets.token_hex(3)
        self._create()

    def _create(self) -> None:
        manager, sqs = self.emulator.client("secretsmanager"), self.emulator.client("sqs")
        for part in self.design.parts:
            if isinstance(part, SqsQueue):
                for output, name in (("url", part.name), ("dead_letter_url", f"{part.name}-dead")):
                    url = sqs.create_queue(QueueName=f"{self._unique}-{name}")["QueueUrl"]
                    self._note(part.name, output, url)
            elif isinstance(part, SecretPart):
                user, password = part.generated_username, secrets.token_urlsafe(24)
                text = json.dumps({"username": user, "password": password}) if user else password
                answer = manager.create_secret(Name=f"{self._unique}-{part.name}", SecretString=text)
                self._note(part.name, "arn", answer["ARN"])
        master = json.dumps({"username": self.database.username, "password": self.database.password})
        answer = manager.create_secret(Name=f"{self._unique}-master", SecretString=master)
        self._note("db", "master_secret_arn", answer["ARN"])
        self._outputs["db", "endpoint"] = "database.example"

    def _note(self, part: str, output: str, identifier: str) -> None:
        self._outputs[part, output] = identifier
        self.resources[identifier] = (part, output.replace("url", "arn"))

    def environment(self, container: Container, principal: str) -> dict[str, str]:
        """What the container's process would find."""
        found = {variable.name: self._text(variable.value) for variable in container.variables}
        address = f"{self.database.hostname}:{self.database.port}{self.database.path}"
        found = {
            name: text.replace("database.example:5432/shop?sslmode=verify-full", address).replace(
                '"eu-west-1"', '"eu-central-1"'
            )
            for name, text in found.items()
        }
        if "RUNG_BINDING_CACHE" in found:
            found["RUNG_BINDING_CACHE"] = json.dumps({"kind": "cache", "url": self.cache_url})
        return {
            **os.environ,
            **self.emulator.environment(principal),
            **found,
            "PYTHONPATH": f"{SHOP}:{self.folder}",
        }

    def _text(self, value: Value) -> str:
        found = self._value(value)
        return found if isinstance(found, str) else json.dumps(found)

    def _value(self, value: Value) -> Any:
        match value:
            case Reference():
                known = self._outputs.get((value.part, value.output), f"{value.part}.{value.output}")
                return f"{value.prefix}{known}{value.suffix}"
            case Document():
                return {name: self._value(each) for name, each in value.fields}
            case Sequence():
                return [self._value(each) for each in value.items]
            case _:
                return value

    def start(self, part: str, *command: str) -> subprocess.Popen[bytes]:
        """Start a part's process; `command` in place of its own."""
        container = self.design.by_name[part].container  # type: ignore[union-attr]
        words = command or container.command
        assert words[0] == "python"
        with (self.folder / f"{part}.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, *words[1:]],
                cwd=SHOP,
                env=self.environment(container, part),
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self.processes.append(process)
        return process

    def run(self, part: str, *command: str) -> None:
        """Start a part's process and wait for its end, which must be a good one."""
        status = self.start(part, *command).wait(50)
        assert status == 0, (part, status, self.log(part)[-3000:])

    def log(self, part: str) -> str:
        """What a part's processes have written."""
        return (self.folder / f"{part}.log").read_text()

    def end(self) -> None:
        """Ask every process to drain, and wait."""
        for process in self.processes:
            if process.poll() is None:
                process.terminate()
        for process in self.processes:
            process.wait(40)

    def used(self) -> set[tuple[str, str, str, str]]:
        """Principal, action, part and its output, of every call that was made."""
        ours = {part.name for part in self.design.parts}
        return {
            (call["principal"], call["action"], *self.resources[call["resource"]])
            for call in self.emulator.calls()
            if call["principal"] in ours and call["resource"] in self.resources
        }


async def drop_roles(database_url: str, *prefixes: str) -> None:
    """Roles belong to the server and outlive a test's database."""
    connection = await asyncpg.connect(database_url)
    name = urlsplit(database_url).path.lstrip("/")
    await connection.execute(f"alter database {name} owner to postgres")
    rows = await connection.fetch("select rolname from pg_roles where rolname ~ $1", f"^({'|'.join(prefixes)})_")
    for row in rows:
        await connection.execute(f'drop owned by "{row["rolname"]}" cascade')
    for row in rows:
        await connection.execute(f'drop role "{row["rolname"]}"')
    await connection.close()
