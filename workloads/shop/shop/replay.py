"""Real invoices as traffic: `python -m shop.replay --url http://127.0.0.1:8000 invoices/*.csv`.

Every invoice becomes a visit (look at the articles, fill the cart, check out), every cancellation a refund, at
the pace of the original days made faster. In the end the shop's own sums must be those of the files.
The articles must be there: import the same files first. SHOP_ADMIN_KEY in the environment is the admin key.
"""

from __future__ import annotations

import argparse
import http.client
import os
import secrets
import sys
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from shop.domain.money import Money
from shop.invoices import Invoice, Invoices, read_invoices

VISITORS = 8
ATTEMPTS = 8
LINES_PER_REQUEST = 100
LOOKS_PER_VISIT = 3
TIMEOUT_SECONDS = 30.0
DRAIN_SECONDS = 120.0


class ReplayError(Exception):
    """The shop answered something that a replayed visit cannot go on from."""


@dataclass(slots=True)
class Totals:
    """What was sold and given back."""

    orders: int = 0
    sold_minor: int = 0
    refunds: int = 0
    refunded_minor: int = 0


@dataclass(slots=True)
class Report:
    """What the files say, what the shop says, and how it went."""

    wanted: Totals
    found: Totals
    requests: int
    retries: int
    seconds: float
    cancelled: int = 0
    problems: list[str] = field(default_factory=list)

    @property
    def right(self) -> bool:
        """Whether the shop's sums are the files', to the penny."""
        return self.wanted == self.found and not self.problems and not self.cancelled


class Visitor:
    """One visitor: a connection that is kept, and cookies. Overload is waited out, as a browser's user would."""

    def __init__(self, url: str, counts: Counter[str], *, headers: Mapping[str, str] | None = None) -> None:
        parts = urlsplit(url)
        self._connection = http.client.HTTPConnection(
            parts.hostname or "127.0.0.1", parts.port or 80, timeout=TIMEOUT_SECONDS
        )
        self.cookies: dict[str, str] = {}
        self._headers = dict(headers or {})
        self._counts = counts

    def send(self, method: str, path: str, body: object = None, **headers: str) -> Any:
        """One request; the decoded answer. Raises ReplayError for anything but success."""
        for attempt in range(ATTEMPTS):
            status, wait_seconds, answer = self._once(method, path, body, headers)
            self._counts["requests"] += 1
            if status < 400:
                return msgspec.json.decode(answer)
            if status not in (429, 503, 504):
                raise ReplayError(f"{method} {path}: {status} {answer[:200].decode(errors='replace')}")
            self._counts["retries"] += 1
            time.sleep(min(wait_seconds, 0.1 * 2**attempt))
        raise ReplayError(f"{method} {path}: still {status} after {ATTEMPTS} attempts")

    def _once(self, method: str, path: str, body: object, headers: Mapping[str, str]) -> tuple[int, float, bytes]:
        given = {**self._headers, **{name.replace("_", "-"): value for name, value in headers.items()}}
        if self.cookies:
            given["cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        if body is not None:
            given["content-type"] = "application/json"
        self._connection.request(method, path, None if body is None else msgspec.json.encode(body), given)
        response = self._connection.getresponse()
        for cookie in response.headers.get_all("set-cookie") or []:
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
        return response.status, float(response.headers.get("retry-after") or 1), response.read()

    def close(self) -> None:
        """Hang up."""
        self._connection.close()


@dataclass(slots=True)
class Replay:
    """One run against one shop. `name` begins the reference of every order and refund of this run."""

    url: str
    admin_key: str
    speed: float = 60_000.0
    name: str = field(default_factory=lambda: f"replay-{secrets.token_hex(4)}-")
    counts: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self, found: Invoices) -> Report:
        """Send every invoice at its time, then compare the sums."""
        started = time.monotonic()
        if found.invoices:
            first = found.invoices[0].issued_at
            with ThreadPoolExecutor(VISITORS) as pool:
                for invoice in found.invoices:
                    due = started + (invoice.issued_at - first).total_seconds() / self.speed
                    pool.submit(self._visit, invoice, due)
        seconds = time.monotonic() - started
        return self._report(wanted_totals(found.invoices), seconds)

    def _visit(self, invoice: Invoice, due: float) -> None:
        time.sleep(max(0.0, due - time.monotonic()))
        try:
            if invoice.cancelled:
                self._refund(invoice)
            else:
                self._buy(invoice)
        except (ReplayError, OSError, http.client.HTTPException) as error:
            with self._lock:
                self.problems.append(f"invoice {invoice.number}: {error}")

    def _buy(self, invoice: Invoice) -> None:
        lines = _priced_lines(invoice)
        if not lines:
            return
        visitor = Visitor(self.url, self.counts)
        try:
            self._look(visitor, invoice)
            for start in range(0, len(lines), LINES_PER_REQUEST):
                visitor.send("POST", "/api/cart/lines", {"lines": lines[start : start + LINES_PER_REQUEST]})
            order = visitor.send("POST", "/api/checkout", self._order(invoice), idempotency_key=self._key(invoice))
            if order["total_minor"] != invoice.total_minor:
                raise ReplayError(f"it cost {order['total_minor']}, and {invoice.total_minor} then")
        finally:
            visitor.close()

    def _look(self, visitor: Visitor, invoice: Invoice) -> None:
        visitor.send("GET", "/api/products?category=imported")
        for line in [line for line in invoice.lines if line.unit_price_minor][:LOOKS_PER_VISIT]:
            visitor.send("GET", f"/api/products/{line.slug}")

    def _order(self, invoice: Invoice) -> dict[str, object]:
        customer = invoice.customer or f"walk-in-{invoice.number}"
        return {
            "email": f"{customer.lower()}@replay.example",
            "name": f"Customer {customer}",
            "address": {"line1": "1 Mill Lane", "city": "York", "country": invoice.country},
            "delivery": "collect",
            "payment_token": "tok_visa",
            "reference": self.name + invoice.number,
            "expected_total_minor": invoice.total_minor,
        }

    def _key(self, invoice: Invoice) -> str:
        return f"{self.name}{invoice.number}"

    def _refund(self, invoice: Invoice) -> None:
        lines = [
            {"sku": line.sku, "quantity": line.quantity, "amount_minor": line.total_minor}
            for line in invoice.lines
        ]
        body = {
            "reference": self.name + invoice.number,
            "amount_minor": invoice.total_minor,
            "reason": "cancelled",
            "lines": lines,
        }
        admin = self._admin()
        try:
            admin.send("POST", "/api/admin/refunds", body)
        finally:
            admin.close()

    def _admin(self) -> Visitor:
        return Visitor(self.url, self.counts, headers={"x-admin-key": self.admin_key})

    def _report(self, wanted: Totals, seconds: float) -> Report:
        admin = self._admin()
        try:
            self._wait_fulfilled(admin)
            sums = admin.send("GET", f"/api/admin/totals?reference={self.name}")
        finally:
            admin.close()
        found = Totals(sums["orders"], sums["total_minor"], sums["refunds"], sums["refunded_minor"])
        report = Report(wanted, found, self.counts["requests"], self.counts["retries"], seconds, sums["cancelled"])
        report.problems = self.problems
        return report

    def _wait_fulfilled(self, admin: Visitor) -> None:
        deadline = time.monotonic() + DRAIN_SECONDS
        while time.monotonic() < deadline:
            state = admin.send("GET", "/api/admin/queue")
            if not state["ready"] + state["in_flight"] + state["delayed"]:
                return
            time.sleep(0.2)
        self.problems.append(f"the orders were not fulfilled within {DRAIN_SECONDS:g} s")


def _priced_lines(invoice: Invoice) -> list[dict[str, object]]:
    """What was paid for: an article that was given away is not for sale."""
    return [{"sku": line.sku, "quantity": line.quantity} for line in invoice.lines if line.unit_price_minor]


def wanted_totals(invoices: Sequence[Invoice]) -> Totals:
    """What the shop must say after the replay."""
    sales = [one for one in invoices if not one.cancelled and _priced_lines(one)]
    refunds = [one for one in invoices if one.cancelled]
    return Totals(
        len(sales), sum(one.total_minor for one in sales), len(refunds), sum(one.total_minor for one in refunds)
    )


def table(report: Report) -> str:
    """The comparison as a person reads it."""
    rows = [
        ("", "files", "shop"),
        ("orders", str(report.wanted.orders), str(report.found.orders)),
        ("sold", str(Money(report.wanted.sold_minor, "GBP")), str(Money(report.found.sold_minor, "GBP"))),
        ("refunds", str(report.wanted.refunds), str(report.found.refunds)),
        (
            "refunded",
            str(Money(report.wanted.refunded_minor, "GBP")),
            str(Money(report.found.refunded_minor, "GBP")),
        ),
    ]
    lines = [f"{name:<10}{wanted:>20}{found:>20}" for name, wanted, found in rows]
    lines.append(f"{report.requests} requests in {report.seconds:.1f} s, {report.retries} sent again")
    lines += report.problems[:20]
    lines.append("equal to the penny" if report.right else "NOT EQUAL")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit 0 when the shop's sums are the files'."""
    parser = argparse.ArgumentParser(prog="python -m shop.replay", description=__doc__)
    parser.add_argument("--url", required=True, help="where the shop runs")
    parser.add_argument("--speed", type=float, default=60_000.0, help="how many times faster than then")
    parser.add_argument("files", nargs="+", type=Path)
    options = parser.parse_args(arguments)
    replay = Replay(url=options.url, admin_key=os.environ.get("SHOP_ADMIN_KEY", ""), speed=options.speed)
    report = replay.run(read_invoices(options.files))
    sys.stdout.write(table(report) + "\n")
    return 0 if report.right else 1


if __name__ == "__main__":
    sys.exit(main())
