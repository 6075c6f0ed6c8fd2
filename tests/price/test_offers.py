"""AWS's offer files: the rows that are wanted, none that only look alike, and nothing from a broken stream."""

from __future__ import annotations

import http.client
import io
import tracemalloc
from dataclasses import replace
from pathlib import Path

import pytest

from price.offer_files import Product, instance, offer_file, write_offers
from rung.price.book import PriceError, shipped_book
from rung.price.offer_rules import RULES
from rung.price.offers import offer_url, read_offers
from rung.price.shelf import book_file, book_in_use
from rung.price.update import update_book


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNG_CACHE", str(tmp_path / "cache"))


def test_an_instance_is_one_row_with_its_sku_and_day() -> None:
    (row,) = read_offers(io.BytesIO(offer_file("AmazonEC2", instance("AAA", "0.0188000000"))), "eu-west-1")
    assert (row.key, row.usd, row.unit) == (("ec2", "t4g.small", "on-demand", "eu-west-1"), 0.0188, "hour")
    assert row.as_of == "2026-10-01"
    assert "AAA" in row.source


@pytest.mark.parametrize(
    "change",
    [
        {"tenancy": "Dedicated"}, {"operatingSystem": "Windows"},
        {"capacitystatus": "AllocatedCapacityReservation"}, {"preInstalledSw": "SQL Std"},
        {"licenseModel": "Bring your own license"},
    ],
)  # fmt: skip
def test_what_only_looks_alike_is_left_out(change: dict[str, str]) -> None:
    content = offer_file("AmazonEC2", instance("AAA", "0.0188"), instance("BBB", "0.0207", **change))
    (row,) = read_offers(io.BytesIO(content), "eu-west-1")
    assert row.usd == 0.0188


def test_two_prices_for_one_row_are_refused_with_both() -> None:
    content = offer_file("AmazonEC2", instance("AAA", "0.0188"), instance("BBB", "0.0207"))
    with pytest.raises(PriceError) as caught:
        read_offers(io.BytesIO(content), "eu-west-1")
    (finding,) = caught.value.findings
    assert finding.code == "R1104"
    assert "AAA" in finding.found
    assert "BBB" in finding.found


def test_reservations_are_rows_of_their_own_with_what_is_paid_at_once() -> None:
    """876 dollars at once for a year are ten cents an hour. Convertible ones are left out."""
    terms = (
        ("1yr", "No Upfront", "0.0120", "0", "standard"), ("1yr", "Partial Upfront", "0.0050", "43.8", "standard"),
        ("1yr", "All Upfront", "0", "876", "standard"), ("3yr", "No Upfront", "0.0080", "0", "standard"),
        ("1yr", "No Upfront", "0.0140", "0", "convertible"),
    )  # fmt: skip
    content = offer_file("AmazonEC2", replace(instance("AAA", "0.0188"), reserved=terms))
    found = {row.mode: row.usd for row in read_offers(io.BytesIO(content), "eu-west-1")}
    assert found == {
        "on-demand": 0.0188, "reserved-1y-no-upfront-standard": 0.012,
        "reserved-1y-partial-upfront-standard": pytest.approx(0.01),
        "reserved-1y-all-upfront-standard": pytest.approx(0.1), "reserved-3y-no-upfront-standard": 0.008,
    }  # fmt: skip


def test_a_reserved_database_keeps_how_it_is_deployed() -> None:
    database = Product(
        sku="DB", family="Database Instance", usage_type="EU-Multi-AZUsage:db.t4g.small", usd=(("0", "0.069"),),
        attributes=(("databaseEngine", "PostgreSQL"),),
        reserved=(("1yr", "No Upfront", "0.048", "0", "standard"),),
    )  # fmt: skip
    rows = read_offers(io.BytesIO(offer_file("AmazonRDS", database)), "eu-west-1")
    assert [row.mode for row in rows] == ["multi-az", "reserved-1y-no-upfront-multi-az"]


class Broken(io.BytesIO):
    """A connection that ends after some bytes, in one of the ways in which they end."""

    def __init__(self, content: bytes, error: Exception | None) -> None:
        super().__init__(content)
        self._error = error

    def read(self, size: int | None = -1, /) -> bytes:
        found = super().read(size)
        if not found and self._error:
            raise self._error
        return found


@pytest.mark.parametrize(
    "error", [ConnectionResetError("reset"), TimeoutError("slow"), http.client.IncompleteRead(b"half"), None]
)
def test_a_connection_that_breaks_is_tried_again(error: Exception | None) -> None:
    whole = offer_file("AmazonEC2", instance("AAA", "0.0999"))
    answers = [Broken(whole[: len(whole) // 2], error), io.BytesIO(whole)]
    asked: list[str] = []

    def open_url(url: str) -> io.BytesIO:
        asked.append(url)
        return answers[len(asked) - 1]

    result = update_book("eu-west-1", ("AmazonEC2",), open_url=open_url)
    assert (result.read, len(asked)) == (1, 2)


def test_a_connection_that_stays_broken_changes_nothing() -> None:
    def open_url(url: str) -> io.BytesIO:
        raise ConnectionRefusedError(url)

    with pytest.raises(PriceError, match="R1105"):
        update_book("eu-west-1", ("AmazonEC2",), open_url=open_url)
    assert not book_file().exists()


def test_offers_without_a_row_are_named(tmp_path: Path) -> None:
    other = Product(sku="X", family="Storage", usage_type="EU-Other", usd=(("0", "1"),))
    folder = write_offers(
        tmp_path / "offers", AmazonEC2=offer_file("AmazonEC2", instance("AAA", "0.0999")),
        AmazonECR=offer_file("AmazonECR", other),
    )  # fmt: skip
    assert update_book("eu-west-1", ("AmazonEC2", "AmazonECR"), folder=folder).nothing_in == ("AmazonECR",)
    with pytest.raises(PriceError, match="no price was found"):
        update_book("eu-west-1", ("AmazonECR",), folder=folder)


def test_an_update_makes_another_region_possible(tmp_path: Path) -> None:
    """A region without prices is refused; with its own rows, lines are priced from them alone."""
    machine = replace(instance("AAA", "0.0168"), usage_type="APS3-BoxUsage:t4g.small")
    folder = write_offers(tmp_path / "offers", AmazonEC2=offer_file("AmazonEC2", machine, region="ap-south-1"))
    update_book("ap-south-1", ("AmazonEC2",), folder=folder)
    book = book_in_use()
    assert "ap-south-1" in book.regions
    assert book.tariff("ec2", "t4g.small", mode="on-demand", region="ap-south-1").first.usd == 0.0168


def test_traffic_between_places_is_told_apart() -> None:
    """Three directions share a usage type's ending; each has its own row or none."""

    def transfer(sku: str, usage_type: str, usd: str, **attributes: str) -> Product:
        return Product(
            sku=sku, family="Data Transfer", usage_type=usage_type, usd=(("0", usd),), unit="GB",
            attributes=tuple(attributes.items()),
        )  # fmt: skip

    content = offer_file(
        "AWSDataTransfer",
        transfer("A", "EU-DataTransfer-Out-Bytes", "0.09", toLocation="External", transferType="AWS Outbound"),
        transfer("B", "EU-DataTransfer-Regional-Bytes", "0.01", transferType="IntraRegion"),
        transfer("C", "EU-USE1-AWS-Out-Bytes", "0.02", transferType="InterRegion Outbound"),
    )
    found = {row.usage: row.usd for row in read_offers(io.BytesIO(content), "eu-west-1")}
    assert found == {"internet-out": 0.09, "between-zones": 0.01}


def test_an_outposts_unit_is_no_unit_of_a_load_balancer() -> None:
    """A product at 0 with nearly the same usage type stands next to the real one."""
    family = "Load Balancer-Application"
    content = offer_file(
        "AWSELB",
        Product(sku="A", family=family, usage_type="EU-LCUUsage", usd=(("0", "0.008"),)),
        Product(sku="B", family=family, usage_type="EU-Outposts-LCUUsage", usd=(("0", "0.0"),)),
        Product(sku="C", family=family, usage_type="EU-ReservedLCUUsage", usd=(("0", "0.005"),)),
    )
    assert [row.usd for row in read_offers(io.BytesIO(content), "eu-west-1")] == [0.008]


def test_prices_for_a_single_request_become_prices_for_a_million() -> None:
    product = Product(
        sku="Q", family="API Request", usage_type="EU-Requests-Tier1", unit="Requests",
        usd=(("0", "0.0000004"), ("100000000000", "0.0000003")), attributes=(("queueType", "Standard"),),
    )  # fmt: skip
    first, second = read_offers(io.BytesIO(offer_file("AWSQueueService", product)), "eu-west-1")
    assert (first.usd, first.unit) == (pytest.approx(0.4), "million")
    assert second.tier_from == pytest.approx(100_000)


@pytest.mark.parametrize(
    "content", [b"", b"<html>", b'{"products": {}}', b'{"offerCode": "AmazonEC2", "products": {']
)
def test_a_stream_that_is_no_offer_file_changes_nothing(content: bytes, tmp_path: Path) -> None:
    folder = write_offers(tmp_path / "offers", AmazonEC2=content)
    with pytest.raises(PriceError, match="R1103"):
        update_book("eu-west-1", ("AmazonEC2",), folder=folder)
    assert not book_file().exists()


def test_an_update_is_above_the_shipped_book_and_says_what_moved(tmp_path: Path) -> None:
    folder = write_offers(tmp_path / "offers", AmazonEC2=offer_file("AmazonEC2", instance("AAA", "0.0999")))
    result = update_book("eu-west-1", ("AmazonEC2", "AmazonRDS"), folder=folder)
    assert (result.read, result.changed, result.added) == (1, 1, 0)
    assert result.moves == ("ec2 t4g.small on-demand eu-west-1: 0.0184 -> 0.0999",)
    assert book_in_use().tariff("ec2", "t4g.small", mode="on-demand", region="eu-west-1").first.usd == 0.0999
    assert len(book_in_use().rows) == len(shipped_book().rows)


def test_a_later_update_keeps_what_the_earlier_one_read(tmp_path: Path) -> None:
    one = write_offers(tmp_path / "one", AmazonEC2=offer_file("AmazonEC2", instance("AAA", "0.0999")))
    update_book("eu-west-1", ("AmazonEC2",), folder=one)
    key = Product(sku="K", family="Encryption Key", usage_type="EU-KMS-Keys", usd=(("0", "1.1"),))
    two = write_offers(tmp_path / "two", awskms=offer_file("awskms", key))
    update_book("eu-west-1", ("awskms",), folder=two)
    book = book_in_use()
    assert book.tariff("ec2", "t4g.small", mode="on-demand", region="eu-west-1").first.usd == 0.0999
    assert book.tariff("kms", "key", region="eu-west-1").first.usd == 1.1


def test_a_large_file_needs_no_more_memory_than_a_small_one() -> None:
    """The file of EC2 in Ireland has 441 MB: what nobody wants must not be kept. Here eight times as many."""
    small, large = _peak_bytes(500), _peak_bytes(4_000)
    assert large < small * 1.5


def _peak_bytes(products: int) -> int:
    others = [
        Product(sku=f"X{number}", family="Storage", usage_type=f"EU-Other:{number}", usd=(("0", "1"),))
        for number in range(products)
    ]
    stream = io.BytesIO(offer_file("AmazonEC2", *others, instance("AAA", "0.0188")))
    tracemalloc.start()
    assert len(read_offers(stream, "eu-west-1")) == 1
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak


def test_every_rule_fills_a_key_that_the_shipped_book_has() -> None:
    """Otherwise an update would write rows that no line of a bill asks for."""
    known = {(row.service, row.unit) for row in shipped_book().rows}
    assert [rule for rule in RULES if (rule.service, rule.unit) not in known] == []


def test_offers_come_from_the_public_address_of_the_region() -> None:
    assert offer_url("AmazonRDS", "eu-west-1").endswith("/aws/AmazonRDS/current/eu-west-1/index.json")
