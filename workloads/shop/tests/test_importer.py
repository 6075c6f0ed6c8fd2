"""Importing invoices: sums to the penny, the same state when run twice, every bad row named, no good one lost."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from shop.invoices import read_invoices

DATA = Path(__file__).parent / "data"
GOOD, BROKEN = DATA / "invoices.csv", DATA / "broken.csv"


def _real_files() -> list[Path]:
    root = Path(__file__).parents[3]
    shared = Path(os.environ.get("RUNG_SHARED", root.parent / "shared"))
    return sorted((shared / "data" / "online-retail").glob("*.csv"))


def test_invoices_are_read_with_their_sums() -> None:
    found = read_invoices([GOOD])
    assert found.findings == []
    assert [invoice.number for invoice in found.invoices] == [
        "700001", "700002", "700003", "700004", "C700005", "C700006",
    ]  # fmt: skip
    assert found.sold_minor == 7 * 255 + 2 * 1275 + 3 * 210 + 1800 + 10 * 85
    assert found.cancelled_minor == 2 * 255 + 495
    assert [invoice.country for invoice in found.invoices] == ["GB", "FR", "GB", "IE", "GB", "ZZ"]


def test_codes_are_one_in_any_case_and_missing_titles_are_found_elsewhere() -> None:
    lines = [line for invoice in read_invoices([GOOD]).invoices for line in invoice.lines]
    assert {line.code for line in lines} == {"20001A", "20002", "20003", "20009", "POST"}
    assert {line.title for line in lines if line.code == "20003"} == {"PAPER LANTERN"}


def test_every_bad_row_is_named_with_its_line_and_no_good_one_is_lost() -> None:
    found = read_invoices([BROKEN])
    assert [(one.code, one.location and one.location.line) for one in found.findings] == [
        ("R0702", 3), ("R0702", 4), ("R0703", 5), ("R0703", 6), ("R0704", 7), ("R0704", 8), ("R0704", 9),
        ("R0705", 10), ("R0705", 11), ("R0706", 12), ("R0707", 13),
    ]  # fmt: skip
    assert [(one.number, one.total_minor) for one in found.invoices] == [("710001", 100), ("710007", 200)]
    assert all(one.help and one.effect and str(BROKEN) in str(one) for one in found.findings)


def test_files_that_cannot_be_read_are_findings_and_the_others_are_read(tmp_path: Path) -> None:
    (tmp_path / "header.csv").write_text("a,b\n1,2\n")
    (tmp_path / "latin.csv").write_bytes(GOOD.read_bytes().replace(b"BLUE", b"BL\xdc"))
    (tmp_path / "empty.csv").write_text("")
    paths = [tmp_path / name for name in ("header.csv", "latin.csv", "empty.csv", "missing.csv")]
    found = read_invoices([*paths, GOOD])
    assert [one.code for one in found.findings] == ["R0701"] * 4
    assert [one.location and Path(one.location.file).name for one in found.findings] == [
        path.name for path in paths
    ]
    assert len(found.invoices) == 6


async def _sums(shop: Any, numbers: list[str]) -> tuple[int, int]:
    row = await shop.db.fetch_row(
        """select (select coalesce(sum(total_minor), 0)::bigint from orders
                    where source = 'import' and reference = any($1::text[])) as sold,
                  (select coalesce(sum(amount_minor), 0)::bigint from refunds
                    where source = 'import' and reference = any($1::text[])) as refunded""",
        numbers,
    )
    return row["sold"], row["refunded"]


async def test_an_import_adds_up_and_a_second_one_adds_nothing(shop: Any) -> None:
    from shop import importer

    found = read_invoices([GOOD, BROKEN])
    numbers = [invoice.number for invoice in found.invoices]
    await importer.load(found, shop.db)
    assert await _sums(shop, numbers) == (found.sold_minor, found.cancelled_minor)
    await shop.verify()
    shelves = await shop.db.fetch("select id, on_hand, reserved from inventory_items order by id")
    again = await importer.load(found, shop.db)
    assert (again.orders, again.order_lines, again.refunds, again.customers, again.products) == (0, 0, 0, 0, 0)
    assert await shop.db.fetch("select id, on_hand, reserved from inventory_items order by id") == shelves
    assert await _sums(shop, numbers) == (found.sold_minor, found.cancelled_minor)


async def test_a_cancellation_is_tied_to_the_order_it_cancels_when_that_is_known(shop: Any) -> None:
    from shop import importer

    await importer.load(read_invoices([GOOD]), shop.db)
    rows = await shop.db.fetch(
        """select r.reference, o.reference as order, o.refunded_minor from refunds r
             left join orders o on o.id = r.order_id where r.reference in ('C700005', 'C700006') order by 1"""
    )
    assert [tuple(row) for row in rows] == [("C700005", "700001", 510), ("C700006", None, None)]


async def test_what_was_given_away_is_not_for_sale_for_nothing(shop: Any) -> None:
    from shop import importer

    await importer.load(read_invoices([GOOD]), shop.db)
    assert await shop.db.fetch_value("select count(*) from variants where price_minor = 0") == 0
    answer = await shop.browser().get("/api/products/retail-20003")
    assert [variant["sku"] for variant in answer.json["variants"]] == ["20003-85"]


async def test_real_invoices_import_to_the_penny(shop: Any) -> None:
    from shop import importer

    files = _real_files()
    if not files:
        pytest.skip("the data set is not on this machine: set RUNG_SHARED")
    found = read_invoices(files)
    assert {finding.code for finding in found.findings} == {"R0705"}
    assert (len(found.findings), found.sold_minor, found.cancelled_minor) == (64, 43_885_265, 6_136_420)
    await importer.load(found, shop.db)
    assert await _sums(shop, [one.number for one in found.invoices]) == (43_885_265, 6_136_420)
    assert sum(invoice.cancelled for invoice in found.invoices) == 136
    assert (await importer.load(found, shop.db)).orders == 0
    await shop.verify()
