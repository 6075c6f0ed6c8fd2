"""Buckets and tables keep their promises, on moto's server and in the files of `rung dev`: the shipped suite."""

from __future__ import annotations

import json
import secrets
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from tests.aws.emulator import REGION, Emulator

from rung import Workload
from rung.local.gateway.dispatch import Gateway
from rung.local.gateway.links import Links
from rung.local.gateway.routes import BucketEntry, RoutesFile
from rung.parts.compute import EcsService, Host
from rung.parts.values import Document, Reference
from rung.rungs import place
from rung.runtime.bindings import BucketBinding, TableBinding, binding
from rung.runtime.errors import BindingError, UnavailableError
from rung.runtime.http.asgi import ASGIApp
from rung.runtime.http.settings import HttpSettings
from rung.runtime.items import ConditionFailedError, Table, open_table
from rung.runtime.items.kept import KeptTable
from rung.runtime.objects import OBJECT_BYTES_MAX, Bucket, open_bucket
from rung.runtime.objects.kept import KeptBucket
from rung.testing import ManualClock
from rung.testing.store_conformance import BucketConformance, TableConformance

GATEWAY = "http://localhost:8080"
KEYS = {"partition_key": "visitor", "sort_key": "moment"}


async def asked(app: ASGIApp, url: str, method: str, body: bytes = b"", kind: str = "") -> tuple[int, bytes]:
    """Status and body of one request by a link."""
    parts = urlsplit(url)
    answer: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        answer.append(message)

    headers = [(b"content-type", kind.encode())] if kind else []
    scope = {
        "type": "http", "method": method, "path": unquote(parts.path), "query_string": parts.query.encode(),
        "headers": headers,
    }  # fmt: skip
    await app(scope, receive, send)
    return answer[0]["status"], b"".join(each.get("body", b"") for each in answer[1:])


class TestBucketInAFile(BucketConformance):
    @pytest.fixture
    def bucket(self, tmp_path: Path) -> Bucket:
        self.path = str(tmp_path / "uploads.sqlite")
        return open_bucket("uploads", BucketBinding(adapter="file", path=self.path, url=GATEWAY))

    async def ask(self, url: str, method: str, body: bytes = b"", content_type: str = "") -> tuple[int, bytes]:
        return await asked(Links({"uploads": self.path}), url, method, body, content_type)


class TestBucketOnS3(BucketConformance):
    @pytest.fixture
    async def bucket(self, aws: Emulator) -> AsyncIterator[Bucket]:
        name = f"uploads-{secrets.token_hex(4)}"
        aws.client("s3").create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
        found = open_bucket("uploads", BucketBinding(name=name, region=REGION))
        yield found
        await found.close()


class TestTableInAFile(TableConformance):
    @pytest.fixture
    def table(self, tmp_path: Path) -> Table:
        path = str(tmp_path / "visits.sqlite")
        return open_table("visits", TableBinding(adapter="file", path=path, ttl_attribute="until", **KEYS))


class TestTableOnDynamo(TableConformance):
    @pytest.fixture
    async def table(self, aws: Emulator) -> AsyncIterator[Table]:
        name = f"visits-{secrets.token_hex(4)}"
        aws.client("dynamodb").create_table(
            TableName=name, BillingMode="PAY_PER_REQUEST",
            KeySchema=[
                {"AttributeName": "visitor", "KeyType": "HASH"}, {"AttributeName": "moment", "KeyType": "RANGE"}
            ],
            AttributeDefinitions=[{"AttributeName": each, "AttributeType": "S"} for each in KEYS.values()],
        )  # fmt: skip
        found = open_table("visits", TableBinding(name=name, region=REGION, ttl_attribute="until", **KEYS))
        yield found
        await found.close()


async def test_a_table_without_a_sort_key_has_one_item_for_each_key(tmp_path: Path) -> None:
    path = str(tmp_path / "t.sqlite")
    table = open_table("t", TableBinding(adapter="file", path=path, partition_key="id"))
    await table.put({"id": "a", "n": 1})
    assert await table.get("a") == {"id": "a", "n": 1}
    with pytest.raises(ValueError, match="no sort key"):
        await table.query("a")
    with pytest.raises(ValueError, match="a key is id"):
        await table.get("a", "b")


async def test_a_link_is_for_one_object_one_method_one_type_and_some_time(tmp_path: Path) -> None:
    clock = ManualClock(datetime(2026, 1, 1, tzinfo=UTC))
    kept = BucketBinding(adapter="file", path=str(tmp_path / "b.sqlite"), url=GATEWAY)
    bucket = KeptBucket("b", kept, clock=clock)
    link = await bucket.url("k", method="PUT", expires_seconds=60, content_type="text/plain")
    query = dict(pair.split("=") for pair in link.partition("?")[2].replace("%2F", "/").split("&"))
    assert await bucket.admits("k", "PUT", query, "text/plain")
    assert not await bucket.admits("other", "PUT", query, "text/plain")
    assert not await bucket.admits("k", "GET", query, "text/plain")
    assert not await bucket.admits("k", "PUT", query, "text/html")
    assert not await bucket.admits("k", "PUT", {**query, "expires": "9999999999"}, "text/plain")
    assert not await bucket.admits("k", "PUT", {}, "text/plain")
    await clock.advance(61)
    assert not await bucket.admits("k", "PUT", query, "text/plain")


async def test_the_gateway_answers_links_and_refuses_those_that_were_changed(tmp_path: Path) -> None:
    path = str(tmp_path / "uploads.sqlite")
    routes = RoutesFile(buckets=(BucketEntry(name="uploads", path=path),))
    gateway = Gateway(routes, HttpSettings())
    bucket = open_bucket("uploads", BucketBinding(adapter="file", path=path, url=GATEWAY))
    await bucket.put("k", b"1", content_type="text/plain")
    link = await bucket.url("k")
    assert await asked(gateway, link, "GET") == (200, b"1")
    for wrong in (
        link.replace("/k?", "/other?"),
        link[:-1],
        link.replace("uploads", "others"),
        link.split("?")[0],
    ):
        assert (await asked(gateway, wrong, "GET"))[0] == 403
    assert (await asked(gateway, link, "PUT", b"2"))[0] == 403
    await bucket.delete("k")
    assert (await asked(gateway, link, "GET"))[0] == 404


async def test_what_is_too_large_for_an_object_is_refused_and_not_kept(tmp_path: Path) -> None:
    path = str(tmp_path / "uploads.sqlite")
    bucket = open_bucket("uploads", BucketBinding(adapter="file", path=path, url=GATEWAY))
    link = await bucket.url("k", method="PUT")
    assert (await asked(Links({"uploads": path}), link, "PUT", bytes(OBJECT_BYTES_MAX + 1)))[0] == 413
    assert await bucket.get("k") is None


async def test_without_a_gateway_there_is_no_link(tmp_path: Path) -> None:
    bucket = open_bucket("b", BucketBinding(adapter="file", path=str(tmp_path / "b.sqlite")))
    with pytest.raises(UnavailableError, match="listens"):
        await bucket.url("k")


async def test_a_bucket_that_is_not_there_is_said_to_be_missing(aws: Emulator) -> None:
    bucket = open_bucket("uploads", BucketBinding(name="nobody-made-this", region=REGION))
    with pytest.raises(BindingError, match="nobody-made-this"):
        await bucket.get("k")
    await bucket.close()


@pytest.mark.parametrize("adapter", ["file", "s3"])
async def test_who_may_not_list_is_not_told_what_is_missing(adapter: Any, aws: Emulator, tmp_path: Path) -> None:
    name = f"uploads-{secrets.token_hex(4)}"
    aws.client("s3").create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    kept = BucketBinding(adapter=adapter, name=name, region=REGION, path=str(tmp_path / "b.sqlite"), lists=False)
    bucket = open_bucket("uploads", kept)
    await bucket.put("k", b"1")
    assert await bucket.get("k") is not None
    with pytest.raises(BindingError, match=r"uploads\.list"):
        await bucket.get("missing")
    await bucket.close()


async def test_items_that_are_past_their_time_are_gone_by_the_clock(tmp_path: Path) -> None:
    clock = ManualClock(datetime(2026, 1, 1, tzinfo=UTC))
    kept = TableBinding(adapter="file", path=str(tmp_path / "t.sqlite"), partition_key="id", ttl_attribute="until")
    table = KeptTable("t", kept, clock=clock)
    await table.put({"id": "a", "until": int(clock.now().timestamp()) + 10})
    assert await table.get("a") is not None
    await clock.advance(11)
    assert await table.get("a") is None


async def test_a_condition_on_another_type_does_not_hold(tmp_path: Path) -> None:
    """As on DynamoDB, where 1, "1" and true are three values; moto takes the first two for one."""
    kept = TableBinding(adapter="file", path=str(tmp_path / "t.sqlite"), partition_key="id")
    table = open_table("t", kept)
    await table.put({"id": "a", "n": Decimal("1.0"), "s": "1", "yes": True})
    for wrong in ({"n": "1"}, {"s": 1}, {"yes": 1}, {"n": True}):
        with pytest.raises(ConditionFailedError):
            await table.put({"id": "a"}, if_matches=wrong)
    await table.put({"id": "a"}, if_matches={"n": 1, "s": "1", "yes": True})


@pytest.mark.parametrize("rung", ["fargate", "box"])
def test_bindings_that_a_rung_writes_are_read(rung: str) -> None:
    work = Workload("tea")
    visits = work.table("visits", partition_key="visitor", sort_key="moment", ttl_attribute="until")
    work.service("api", app="tea.api:app", health="/health", uses=[work.bucket("uploads"), visits])
    work.environment("dev")
    design = place(work.freeze(), "dev", rung=rung)
    containers = [part.container for part in design.of(EcsService)]
    containers += [stack.container for host in design.of(Host) for stack in host.stacks if stack.name == "api"]
    (told,) = [{each.name: each.value for each in container.variables} for container in containers]
    environment = {name: json.dumps(_known(value)) for name, value in told.items() if isinstance(value, Document)}
    uploads = binding("uploads", BucketBinding, environment)
    assert (uploads.adapter, uploads.name, uploads.region) == ("s3", "<uploads.name>", "eu-west-1")
    assert not uploads.lists
    found = binding("visits", TableBinding, environment)
    assert (found.name, found.partition_key, found.sort_key) == ("<visits.name>", "visitor", "moment")
    assert found.ttl_attribute == "until"


def _known(value: Any) -> Any:
    """A value of a design as it would be once everything is built."""
    if isinstance(value, Document):
        return {name: _known(each) for name, each in value.fields}
    return f"<{value.part}.{value.output}>" if isinstance(value, Reference) else value
