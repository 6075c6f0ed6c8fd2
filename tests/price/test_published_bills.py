"""Bills and worked examples that others published: given their quantities, the book's lines come out the same.

Every line within 0.5 % or two cents, the total within 0.2 %.
"""

from __future__ import annotations

import pytest

from rung.price.book import PriceBook

#: (usage, quantity, US dollars on the bill). July 2026, Ireland: a real bill in a public architecture decision
#: record (code index 58640411211), its tax left out. The storage is 20 GiB.
JULY_IN_IRELAND = (
    (("load-balancer", "application-hour", ""), 595.0, 15.00),
    (("rds-postgresql", "db.t4g.micro", "single-az"), 593.0, 10.09),
    (("vpc", "public-ipv4", "in-use"), 1_783.0, 8.91),
    (("fargate", "vcpu", "x86_64"), 148.0, 6.01),
    (("rds", "gp3-storage", "single-az"), 20.0, 2.54),
    (("fargate", "memory", "x86_64"), 297.0, 1.32),
    (("route-53", "hosted-zone", ""), 1.0, 0.50),
    (("load-balancer", "application-lcu", ""), 0.80, 0.01),
)


def charge(book: PriceBook, key: tuple[str, str, str], quantity: float, region: str) -> float:
    service, usage, mode = key
    return book.tariff(service, usage, mode=mode, region=region).charge(quantity)


@pytest.mark.parametrize(("key", "quantity", "usd"), JULY_IN_IRELAND, ids=lambda each: str(each))
def test_each_line_of_a_real_bill(book: PriceBook, key: tuple[str, str, str], quantity: float, usd: float) -> None:
    found = charge(book, key, quantity, "eu-west-1")
    assert found == pytest.approx(usd, rel=0.005, abs=0.02)


def test_the_total_of_a_real_bill(book: PriceBook) -> None:
    total = sum(charge(book, key, quantity, "eu-west-1") for key, quantity, _ in JULY_IN_IRELAND)
    assert total == pytest.approx(sum(usd for _, _, usd in JULY_IN_IRELAND), rel=0.002)


def test_an_aurora_backup_line_to_the_cent(book: PriceBook) -> None:
    """8,553.3 GB-months in Ireland were billed at 179.62 (code index 58541604641)."""
    assert charge(book, ("aurora", "backup-storage", ""), 8_553.3, "eu-west-1") == pytest.approx(179.62, abs=0.01)


def test_the_worked_example_of_fargate(book: PriceBook) -> None:
    """AWS, Fargate pricing, example 1: five tasks of 1 vCPU and 2 GB, ten minutes on each of 30 days: 1.23."""
    hours = 5 * 30 * 10 / 60
    cpu = charge(book, ("fargate", "vcpu", "x86_64"), hours, "us-east-1")
    memory = charge(book, ("fargate", "memory", "x86_64"), hours * 2, "us-east-1")
    assert cpu + memory == pytest.approx(1.23, abs=0.01)


def test_the_worked_example_of_a_load_balancer(book: PriceBook) -> None:
    """AWS, Elastic Load Balancing pricing, example 1: 1.08 capacity units in 720 hours of Virginia: 22.42."""
    hours = charge(book, ("load-balancer", "application-hour", ""), 720, "us-east-1")
    units = charge(book, ("load-balancer", "application-lcu", ""), 1.08 * 720, "us-east-1")
    assert hours + units == pytest.approx(22.42, abs=0.01)
