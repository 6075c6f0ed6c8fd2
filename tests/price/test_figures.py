"""What an environment knows better than rung derives it: it counts, it shows, and a wrong name is answered."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rung import Traffic, Workload
from rung.errors import ModelError
from rung.model.assumed import assumed
from rung.model.environments import Figure
from rung.model.graph import Graph
from rung.model.nodes import Environment
from rung.price.assumptions import Assumptions
from rung.price.bill import Bill, bill
from rung.price.book import PriceBook, PriceError
from rung.rungs import place


def with_usage(shop: Graph, *figures: tuple[str | None, str, float]) -> Graph:
    usage = tuple(Figure(of=of, name=name, value=value) for of, name, value in figures)
    return replace(
        shop,
        nodes=tuple(
            replace(node, usage=usage) if isinstance(node, Environment) and node.name == "prod" else node
            for node in shop.nodes
        ),
    )


def priced(graph: Graph, book: PriceBook, rung: str | None = None) -> Bill:
    return bill(place(graph, "prod", rung=rung), graph, book)


def test_a_line_takes_the_amount_that_is_given_and_says_what_was_derived(shop: Graph, book: PriceBook) -> None:
    before = priced(shop, book)
    found = priced(with_usage(shop, ("db", "storage", 40.0)), book)
    (line,) = [line for line in found.lines if (line.part, line.item) == ("db", "storage")]
    assert (line.quantity, line.usd, line.given) == (40.0, pytest.approx(40 * 0.11), True)
    assert "derived 10" in line.because
    assert found.total - before.total == pytest.approx(30 * 0.11)


def test_the_requests_of_the_month_move_all_that_rests_on_them(shop: Graph, book: PriceBook) -> None:
    found = priced(with_usage(shop, (None, "requests", 3e6)), book)
    assert found.usage.requests.value == 3e6
    (firewall,) = [line for line in found.lines if (line.part, line.item) == ("firewall", "requests")]
    assert firewall.usd < 5
    average = found.usage.busy_rate * found.usage.assumptions.average_of_day() * 730 * 3_600
    assert average == pytest.approx(3e6, rel=0.05)


def test_requests_are_known_where_no_traffic_is(shop: Graph, book: PriceBook) -> None:
    quiet = replace(shop, nodes=tuple(node for node in shop.nodes if node.kind != "traffic"))
    found = priced(with_usage(quiet, (None, "requests", 3e6)), book)
    assert found.usage.requests.value == 3e6
    assert found.usage.busy_rate > 0


def test_the_messages_of_a_queue_are_given_by_its_node(shop: Graph, book: PriceBook) -> None:
    found = priced(with_usage(shop, ("orders", "messages", 1e6)), book)
    assert found.usage.messages_per_month("orders") == pytest.approx(1e6)


def test_an_assumption_is_given_and_a_measurement_stands_above_it(shop: Graph, book: PriceBook) -> None:
    graph = with_usage(shop, (None, "response_kib", 2.0))
    assert priced(graph, book).usage.assumptions.response_kib == 2.0
    measured = assumed(Assumptions(), ["response_kib=3"])
    found = bill(place(graph, "prod"), graph, book, measured)
    assert found.usage.assumptions.response_kib == 3.0


@pytest.mark.parametrize(
    ("figure", "code", "words"),
    [
        ((None, "request", 3e6), "R1106", 'did you mean "requests"'),
        (("db", "storge", 40.0), "R1106", 'did you mean "storage"'),
        (("load-balncer", "storage", 40.0), "R1106", 'did you mean "load-balancer"'),
        (("orders", "requests", 40.0), "R1106", "name the part"),
        (("db", "storage", -1.0), "R1107", "0 or more"),
        (("db", "storage", float("nan")), "R1107", "0 or more"),
        ((None, "requests", float("inf")), "R1107", "0 or more"),
    ],
)
def test_a_figure_in_vain_is_a_finding(
    shop: Graph, book: PriceBook, figure: tuple[str | None, str, float], code: str, words: str
) -> None:
    with pytest.raises(PriceError) as caught:
        priced(with_usage(shop, figure), book)
    (finding,) = caught.value.findings
    assert finding.code == code
    assert words in f"{finding.found} {finding.help}"
    assert finding.location == shop.locations["prod"]


def test_figures_name_the_lines_of_the_environments_own_rung(shop: Graph, book: PriceBook) -> None:
    graph = with_usage(shop, ("db", "capacity units", 500.0))
    assert any(line.given for line in priced(graph, book).lines)
    assert not any(line.given for line in priced(graph, book, rung="host").lines)


def test_a_workload_file_gives_figures_by_handle_by_part_and_alone(book: PriceBook) -> None:
    app = Workload("app")
    db = app.postgres("db")
    api = app.service("api", app="app.api:app", health="/health", uses=[db])
    app.route("/*", api)
    app.traffic(Traffic(concurrent_users=10))
    app.notify("email:oncall@example.com")
    app.environment(
        "prod", usage={"requests": 2_000_000, db: {"backups": 3}, "load-balancer": {"capacity units": 700}}
    )
    graph = app.freeze()
    given = [(line.part, line.item, line.quantity) for line in priced(graph, book).lines if line.given]
    assert sorted(given) == [("db", "backups", 3.0), ("load-balancer", "capacity units", 700.0)]


def test_what_is_no_number_is_a_mistake_in_the_file() -> None:
    app = Workload("app")
    app.environment("prod", usage={"requests": "many"})  # type: ignore[dict-item]
    with pytest.raises(ModelError) as caught:
        app.freeze()
    (finding,) = caught.value.findings
    assert "usage.requests" in f"{finding.message} {finding.found}"
