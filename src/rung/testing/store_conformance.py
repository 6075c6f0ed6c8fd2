"""What a bucket and a table promise, whatever keeps them, as tests.

For another adapter, one class with one fixture each, which gives an empty bucket or table:

    class TestMyBucket(BucketConformance):
        @pytest.fixture
        def bucket(self): return MyBucket(...)
"""

from __future__ import annotations

import asyncio
import urllib.error
import urllib.request
from decimal import Decimal
from typing import Any

import pytest

from rung.runtime.items import ConditionFailedError, Table
from rung.runtime.objects import OBJECT_BYTES_MAX, Bucket, ObjectExistsError

#: Seconds since 1970: one long past, one far ahead.
PAST, AHEAD = 1_000_000_000, 4_000_000_000


class BucketConformance:
    """Objects: written whole, listed in order, linked to. The fixture `bucket` gives an empty one."""

    async def ask(self, url: str, method: str, body: bytes = b"", content_type: str = "") -> tuple[int, bytes]:
        """Status and body of a request by somebody outside. Override it where nothing listens on the network."""

        def ask() -> tuple[int, bytes]:
            headers = {"Content-Type": content_type} if content_type else {}
            request = urllib.request.Request(url, data=body or None, method=method, headers=headers)  # noqa: S310
            try:
                with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - the address is the test's
                    return answer.status, answer.read()
            except urllib.error.HTTPError as error:
                return error.code, error.read()

        return await asyncio.to_thread(ask)

    async def test_what_was_put_is_got_whole(self, bucket: Bucket) -> None:
        body = bytes(range(256)) * 300
        etag = await bucket.put("a/b c/ü.bin", body, content_type="image/png", metadata={"made-by": "us"})
        found = await bucket.get("a/b c/ü.bin")
        assert found is not None
        assert (found.body, found.content_type, found.metadata) == (body, "image/png", {"made-by": "us"})
        assert (found.key, found.etag) == ("a/b c/ü.bin", etag)
        assert found.modified_at.tzinfo is not None

    async def test_what_is_not_there_is_none_and_deleting_it_is_no_error(self, bucket: Bucket) -> None:
        assert await bucket.get("nothing") is None
        await bucket.delete("nothing")
        await bucket.put("something", b"1")
        await bucket.delete("something")
        assert await bucket.get("something") is None

    async def test_a_later_put_replaces_all_of_it(self, bucket: Bucket) -> None:
        first = await bucket.put("k", b"one", content_type="text/plain", metadata={"a": "1"})
        second = await bucket.put("k", b"two")
        found = await bucket.get("k")
        assert found is not None
        assert (found.body, found.content_type, found.metadata) == (b"two", "application/octet-stream", {})
        assert first != second

    async def test_of_many_that_put_if_absent_one_wins(self, bucket: Bucket) -> None:
        puts = [bucket.put("once", str(number).encode(), if_absent=True) for number in range(5)]
        ended = await asyncio.gather(*puts, return_exceptions=True)
        assert sorted(type(each).__name__ for each in ended) == ["ObjectExistsError"] * 4 + ["str"]
        found = await bucket.get("once")
        assert found is not None
        assert not isinstance(ended[int(found.body)], BaseException)
        with pytest.raises(ObjectExistsError):
            await bucket.put("once", b"late", if_absent=True)

    async def test_lists_are_in_order_by_prefix_and_page(self, bucket: Bucket) -> None:
        keys = ["b/2", "b/10", "a", "b/é", "b/1", "c", "b/Z"]
        for key in keys:
            await bucket.put(key, key.encode())
        assert [each.key for each in await bucket.list()] == sorted(keys, key=str.encode)
        first = await bucket.list("b/", limit=2)
        rest = await bucket.list("b/", after=first[-1].key)
        assert [each.key for each in (*first, *rest)] == ["b/1", "b/10", "b/2", "b/Z", "b/é"]
        assert (first[1].size_bytes, len(first)) == (4, 2)
        assert await bucket.list("nobody/") == []

    async def test_links_let_others_read_and_write_one_object_in_one_way(self, bucket: Bucket) -> None:
        upload = await bucket.url("in/é 1.txt", method="PUT", content_type="text/plain")
        assert (await self.ask(upload, "PUT", b"from outside", "text/plain"))[0] == 200
        found = await bucket.get("in/é 1.txt")
        assert found is not None
        assert (found.body, found.content_type) == (b"from outside", "text/plain")
        link = await bucket.url("in/é 1.txt")
        assert await self.ask(link, "GET") == (200, b"from outside")

    @pytest.mark.parametrize(
        "wrong", ["", "x" * 1025, "../etc/passwd", "a//b", "a/./b", "/a", "line\nbreak"],
    )  # fmt: skip
    async def test_keys_that_would_be_rewritten_on_the_way_are_refused(self, bucket: Bucket, wrong: str) -> None:
        with pytest.raises(ValueError, match="key"):
            await bucket.put(wrong, b"")

    async def test_what_s3_would_refuse_is_refused_everywhere(self, bucket: Bucket) -> None:
        with pytest.raises(ValueError, match="PUT"):
            await bucket.put("large", bytes(OBJECT_BYTES_MAX + 1))
        with pytest.raises(ValueError, match="metadata"):
            await bucket.put("k", b"", metadata={"Made By": "us"})
        with pytest.raises(ValueError, match="limit"):
            await bucket.list(limit=1001)
        with pytest.raises(ValueError, match="expires_seconds"):
            await bucket.url("k", expires_seconds=8 * 86_400)


class TableConformance:
    """Items: by key, under conditions, in order.

    The fixture `table` gives an empty one with the keys `visitor` and `moment` and the TTL attribute `until`.
    """

    async def test_every_type_comes_back_as_it_was(self, table: Table) -> None:
        item: dict[str, Any] = {
            "visitor": "é", "moment": "1", "text": "", "whole": 7, "exact": Decimal("0.10"), "yes": True,
            "no": None,
            "bytes": b"\x00\xff", "list": [1, "a", [b"x"]], "map": {"deep": {"n": -3}}, "large": 10**30,
        }  # fmt: skip
        await table.put(item)
        found = await table.get("é", "1")
        assert found == item
        assert found is not None
        assert (type(found["whole"]), type(found["exact"]), type(found["yes"])) == (int, Decimal, bool)

    async def test_what_is_not_there_is_none_and_deleting_it_is_no_error(self, table: Table) -> None:
        assert await table.get("a", "1") is None
        await table.delete("a", "1")
        await table.put({"visitor": "a", "moment": "1"})
        await table.delete("a", "1")
        assert await table.get("a", "1") is None

    async def test_a_later_put_replaces_all_of_it(self, table: Table) -> None:
        await table.put({"visitor": "a", "moment": "1", "old": 1})
        await table.put({"visitor": "a", "moment": "1", "new": 2})
        assert await table.get("a", "1") == {"visitor": "a", "moment": "1", "new": 2}

    async def test_of_many_that_put_if_absent_one_wins(self, table: Table) -> None:
        puts = [table.put({"visitor": "a", "moment": "1", "by": by}, if_absent=True) for by in range(5)]
        ended = await asyncio.gather(*puts, return_exceptions=True)
        assert [type(each).__name__ for each in ended].count("ConditionFailedError") == 4
        found = await table.get("a", "1")
        assert found is not None
        assert ended[found["by"]] is None

    async def test_writes_by_version_lose_no_update(self, table: Table) -> None:
        await table.put({"visitor": "a", "moment": "1", "version": 0, "count": 0})

        async def add() -> None:
            while True:
                item = await table.get("a", "1")
                assert item is not None
                changed = {**item, "version": item["version"] + 1, "count": item["count"] + 1}
                try:
                    await table.put(changed, if_matches={"version": item["version"]})
                except ConditionFailedError:
                    continue
                return

        await asyncio.gather(*(add() for _ in range(5)))
        found = await table.get("a", "1")
        assert found is not None
        assert (found["count"], found["version"]) == (5, 5)

    async def test_conditions_hold_for_every_attribute_or_nothing_is_written(self, table: Table) -> None:
        await table.put({"visitor": "a", "moment": "1", "n": Decimal("1.0"), "s": "1", "yes": True})
        for wrong in ({"n": 2}, {"s": "2"}, {"yes": False}, {"missing": 1}, {"n": 1, "s": "2"}):
            with pytest.raises(ConditionFailedError):
                await table.put({"visitor": "a", "moment": "1"}, if_matches=wrong)
            with pytest.raises(ConditionFailedError):
                await table.delete("a", "1", if_matches=wrong)
        await table.delete("a", "1", if_matches={"n": 1, "s": "1", "yes": True})
        with pytest.raises(ConditionFailedError):
            await table.delete("a", "1", if_matches={"n": 1})

    async def test_a_partition_is_read_in_order_between_bounds_and_by_pages(self, table: Table) -> None:
        moments = ["2026-05-01", "2026-05-03", "2026-05-02", "2026-06-01", "é"]
        for moment in moments:
            await table.put({"visitor": "a", "moment": moment})
        await table.put({"visitor": "b", "moment": "2026-05-01"})

        async def asked(**wanted: Any) -> list[str]:
            return [item["moment"] for item in (await table.query("a", **wanted)).items]

        assert await asked() == sorted(moments, key=str.encode)
        assert await asked(begins_with="2026-05") == ["2026-05-01", "2026-05-02", "2026-05-03"]
        assert await asked(at_least="2026-05-02", at_most="2026-06-01") == [
            "2026-05-02",
            "2026-05-03",
            "2026-06-01",
        ]
        assert await asked(at_most="2026-05-01") == ["2026-05-01"]
        assert await asked(at_least="2026-06", newest_first=True) == ["é", "2026-06-01"]
        for newest_first in (False, True):
            pages: list[str] = []
            after, count = None, 0
            while count == 0 or after is not None:
                page = await table.query("a", newest_first=newest_first, after=after, limit=2)
                assert len(page.items) <= 2
                pages += [item["moment"] for item in page.items]
                after, count = page.next, count + 1
            assert pages == sorted(moments, key=str.encode, reverse=newest_first)

    async def test_an_item_whose_time_is_over_is_gone(self, table: Table) -> None:
        await table.put({"visitor": "a", "moment": "1", "until": PAST})
        await table.put({"visitor": "a", "moment": "2", "until": AHEAD})
        assert await table.get("a", "1") is None
        assert [item["moment"] for item in (await table.query("a")).items] == ["2"]

    async def test_what_dynamodb_would_refuse_is_refused_everywhere(self, table: Table) -> None:
        with pytest.raises(TypeError, match="Decimal"):
            await table.put({"visitor": "a", "moment": "1", "price": 0.1})
        for keys in ({"visitor": "a"}, {"visitor": "a", "moment": ""}, {"visitor": "a", "moment": 1}):
            with pytest.raises(ValueError, match="key"):
                await table.put(keys)
        with pytest.raises(ValueError, match="key"):
            await table.get("a")
        with pytest.raises(ValueError, match="bytes"):
            await table.put({"visitor": "a", "moment": "1", "body": "x" * 409_600})
        with pytest.raises(ValueError, match="one condition"):
            await table.query("a", begins_with="x", at_least="y")
