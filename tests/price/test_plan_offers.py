"""AWS's offer file of Savings Plans: the rates that are wanted, and an index that names the region's file."""

from __future__ import annotations

import io
import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from price.offer_files import instance, offer_file, write_offers
from rung.price.book import PriceError
from rung.price.plan_offers import INDEX_URL, OFFER, plan_url, read_plans
from rung.price.shelf import book_file, book_in_use
from rung.price.update import services_read, update_book

PLANS = (
    ("C1N", "ComputeSavingsPlans", "1yr", "No Upfront"), ("C3A", "ComputeSavingsPlans", "3yr", "All Upfront"),
    ("E1P", "EC2InstanceSavingsPlans", "1yr", "Partial Upfront"),
    ("S1N", "SageMakerSavingsPlans", "1yr", "No Upfront"),
)  # fmt: skip


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNG_CACHE", str(tmp_path / "cache"))


def rate(
    service: str, usage_type: str, price: str, operation: str = "", region: str = "eu-west-1"
) -> dict[str, Any]:
    return {
        "discountedSku": "SKU", "discountedUsageType": usage_type, "discountedOperation": operation,
        "discountedServiceCode": service, "rateCode": f"PLAN.{usage_type}", "unit": "Hrs",
        "discountedRate": {"price": price, "currency": "USD"}, "discountedRegionCode": region,
    }  # fmt: skip


MACHINE = rate("AmazonEC2", "EU-BoxUsage:m7g.large", "0.0668", "RunInstances")
FARGATE = rate("AmazonECS", "EU-Fargate-vCPU-Hours:perCPU", "0.032")


def plan_file(*rates: dict[str, Any], of: str = "C1N") -> bytes:
    """As AWS publishes it: plans with their attributes, then what each makes cheaper."""
    products = [
        {"sku": sku, "productFamily": family, "serviceCode": "ComputeSavingsPlans", "usageType": f"X:{term}",
         "attributes": {"purchaseOption": paid, "granularity": "hourly", "purchaseTerm": term,
                        "locationType": "AWS Region", "location": "Any"}}
        for sku, family, term, paid in PLANS
    ]  # fmt: skip
    terms = [
        {"sku": sku, "description": f"{term} {paid}", "effectiveDate": "2026-10-01T00:00:00Z",
         "leaseContractLength": {"duration": int(term[0]), "unit": "year"},
         "rates": list(rates) if sku == of else []}
        for sku, _, term, paid in PLANS
    ]  # fmt: skip
    document = {
        "version": "20261001000000", "publicationDate": "2026-10-01T00:00:00Z", "regionCode": "eu-west-1",
        "products": products, "terms": {"savingsPlan": terms},
    }  # fmt: skip
    return json.dumps(document).encode()


def read(*rates: dict[str, Any], of: str = "C1N") -> dict[tuple[str, str, str], float]:
    rows = read_plans(io.BytesIO(plan_file(*rates, of=of)), "eu-west-1")
    assert all((row.region, row.as_of) == ("eu-west-1", "2026-10-01") for row in rows)
    return {row.key[:3]: row.usd for row in rows}


def test_machines_tasks_and_functions_are_rows_by_plan_term_and_payment() -> None:
    found = read(
        MACHINE, FARGATE, rate("AmazonECS", "EU-Fargate-ARM-GB-Hours", "0.0028"),
        rate("AWSLambda", "EU-Lambda-GB-Second-ARM", "0.0000117334"), of="C3A",
    )  # fmt: skip
    assert found == {
        ("ec2", "m7g.large", "compute-plan-3y-all-upfront-standard"): 0.0668,
        ("fargate", "vcpu", "compute-plan-3y-all-upfront-x86_64"): 0.032,
        ("fargate", "memory", "compute-plan-3y-all-upfront-arm64"): 0.0028,
        ("lambda", "duration", "compute-plan-3y-all-upfront-arm64"): 0.0000117334,
    }


def test_a_plan_for_one_family_is_another_kind() -> None:
    assert read(MACHINE, of="E1P") == {("ec2", "m7g.large", "instance-plan-1y-partial-upfront-standard"): 0.0668}


@pytest.mark.parametrize(
    "other",
    [
        rate("AmazonEC2", "EU-BoxUsage:m7g.large", "0.1", "RunInstances:0002"),
        rate("AmazonEC2", "EU-DedicatedUsage:m7g.large", "0.1", "RunInstances"),
        rate("AmazonEC2", "LHR1-BoxUsage:m7g.large", "0.1", "RunInstances", "eu-west-1-lhr-1"),
        rate("AmazonECS", "EU-Fargate-Windows-vCPU-Hours:perCPU", "0.1"),
        rate("AmazonEKS", "EU-Fargate-vCPU-Hours:perCPU", "0.1"),
        rate("AWSLambda", "EU-Request", "0.0000002"),
    ],
    ids=["windows", "dedicated", "another zone", "windows tasks", "pods", "requests"],
)
def test_what_only_looks_alike_is_left_out(other: dict[str, Any]) -> None:
    assert set(read(MACHINE, other)) == {("ec2", "m7g.large", "compute-plan-1y-no-upfront-standard")}


def test_rates_of_plans_for_something_else_are_left_out() -> None:
    assert read(MACHINE, of="S1N") == {}


def test_two_rates_for_one_row_are_refused() -> None:
    with pytest.raises(PriceError, match="R1104"):
        read(MACHINE, {**MACHINE, "discountedRate": {"price": "0.07", "currency": "USD"}})


@pytest.mark.parametrize("content", [b"", b"<html>", b"{}", plan_file(MACHINE)[:-200]])
def test_a_stream_that_is_no_offer_file_changes_nothing(content: bytes, tmp_path: Path) -> None:
    folder = write_offers(tmp_path / "offers", AWSComputeSavingsPlan=content)
    with pytest.raises(PriceError, match="R1103"):
        update_book("eu-west-1", (OFFER,), folder=folder)
    assert not book_file().exists()


def test_the_index_names_the_file_of_the_region() -> None:
    path = "/savingsPlan/v1.0/aws/AWSComputeSavingsPlan/20261001000000/eu-west-1/index.json"
    index = {"publicationDate": "2026-10-01", "regions": [{"regionCode": "eu-west-1", "versionUrl": path}]}
    answers = {
        INDEX_URL: json.dumps(index).encode(),
        f"https://pricing.us-east-1.amazonaws.com{path}": plan_file(FARGATE),
    }
    result = update_book("eu-west-1", (OFFER,), open_url=lambda url: io.BytesIO(answers[url]))
    assert (result.read, result.added) == (1, 1)
    mode = "compute-plan-1y-no-upfront-x86_64"
    assert book_in_use().tariff("fargate", "vcpu", mode=mode, region="eu-west-1").first.usd == 0.032
    with pytest.raises(PriceError, match="no mars-1"):
        plan_url(io.BytesIO(answers[INDEX_URL]), "mars-1")


def test_an_index_that_breaks_is_tried_again() -> None:
    asked: list[str] = []

    def open_url(url: str) -> io.BytesIO:
        asked.append(url)
        raise ConnectionResetError(url)

    with pytest.raises(PriceError, match="R1105"):
        update_book("eu-west-1", (OFFER,), open_url=open_url)
    assert asked == [INDEX_URL] * 3


def test_an_update_reads_plans_beside_the_services(tmp_path: Path) -> None:
    assert OFFER in services_read()
    folder = write_offers(
        tmp_path / "offers", AmazonEC2=offer_file("AmazonEC2", instance("AAA", "0.0188")),
        AWSComputeSavingsPlan=plan_file(MACHINE, FARGATE),
    )  # fmt: skip
    assert update_book("eu-west-1", services_read(), folder=folder).read == 3


def test_a_large_file_needs_no_more_memory_than_a_small_one() -> None:
    """Every machine of a region under every system: only what the book asks for is kept."""
    small, large = _peak_bytes(400), _peak_bytes(3_200)
    assert large < small * 1.5


def _peak_bytes(rates: int) -> int:
    others = [rate("AmazonEC2", f"EU-Other:{number}", "1", "RunInstances") for number in range(rates)]
    stream = io.BytesIO(plan_file(*others, MACHINE))
    tracemalloc.start()
    assert len(read_plans(stream, "eu-west-1")) == 1
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak
