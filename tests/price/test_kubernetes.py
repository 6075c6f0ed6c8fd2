"""What a cluster costs: the control plane, and machines with room for every pod, by hand and over the day."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from price.conftest import with_users
from rung import Traffic, Workload
from rung.model.graph import Graph
from rung.parts.compute import Container
from rung.parts.design import Design, Part
from rung.parts.kubernetes import AddOn, EksCluster, KubernetesService, NodePool
from rung.parts.messaging import SqsQueue
from rung.price.assumptions import Assumptions
from rung.price.bill import Bill, bill
from rung.price.book import PriceBook
from rung.price.charging import Charging, Line
from rung.price.kubernetes_lines import nodes_at, replicas_at
from rung.price.usage import usage_of
from rung.rungs import place

STEADY = Assumptions(day=(1.0,) * 24, spikes_per_month=0.0)
DAEMON = AddOn(name="daemon", cpu=0.43, memory_mib=300)


@pytest.fixture(scope="module")
def eks(shop: Graph) -> Design:
    return place(shop, "prod", rung="eks")


def lines(found: Bill, part: str) -> dict[str, Line]:
    return {line.item: line for line in found.lines if line.part == part}


def alone(*parts: Part) -> Design:
    return Design(workload="tea", rung="eks", environment="prod", production=True, region="us-east-1", parts=parts)


def visited(rate: float) -> Graph:
    work = Workload("tea")
    work.traffic(Traffic(concurrent_users=round(rate * 10), think_time="10s"))
    return work.freeze()


def small_cluster(**changes: object) -> Design:
    """A pod is half a vCPU and a machine has 1.5 for them: three on each."""
    cluster = EksCluster(namespace="tea", add_ons=(DAEMON,), logs=(), container_insights=False)
    base = NodePool(name="nodes", min_nodes=1, max_nodes=1)
    burst = NodePool(name="burst-nodes", manager="karpenter", min_nodes=0, max_nodes=9)
    api = KubernetesService(
        name="api", node="@workload", role="web", container=Container(command=("serve",), cpu=0.5, memory_mib=512),
        min_replicas=2, max_replicas=20,
    )  # fmt: skip
    return alone(replace(cluster, **changes), base, burst, api)  # type: ignore[arg-type]


def test_a_golden_bill_of_a_cluster(book: PriceBook) -> None:
    """us-east-1, 600 requests/s day and night, 4 ms each, pods of half a vCPU held at 60 %: 8 pods of 75.

    Three pods on a machine: 3 machines, 1 of which is always there. m7g.large 0.0816 an hour, 730 hours; the
    control plane 0.10 an hour; 30 GiB of gp3 at 0.08 on each machine.
    """
    found = bill(small_cluster(), visited(600), book, STEADY)
    assert lines(found, "cluster")["control plane"].usd == pytest.approx(73.00)
    assert lines(found, "nodes")["m7g.large"].usd == pytest.approx(730 * 0.0816)
    assert lines(found, "nodes")["disks"].usd == pytest.approx(2.40)
    burst = lines(found, "burst-nodes")
    assert burst["m7g.large"].quantity == pytest.approx(2 * 730)
    assert burst["m7g.large"].usd == pytest.approx(119.14, abs=0.01)
    assert burst["disks"].usd == pytest.approx(4.80)
    assert "2 to 2 beyond the 1" in burst["m7g.large"].because


def test_extended_support_costs_six_times_as_much(book: PriceBook) -> None:
    """0.60 an hour instead of 0.10."""
    found = lines(bill(small_cluster(support="extended"), visited(1), book, STEADY), "cluster")
    assert sum(line.usd for line in found.values()) == pytest.approx(730 * 0.60)


def test_pods_follow_the_cpu_that_requests_take(book: PriceBook) -> None:
    design = small_cluster()
    charging = Charging(
        book=book, design=design, usage=usage_of(visited(600), production=True, assumptions=STEADY)
    )
    (api,), (pool, _) = design.of(KubernetesService), design.of(NodePool)
    assert [replicas_at(api, rate, charging) for rate in (0, 150, 151, 600, 1e6)] == [2, 2, 3, 8, 20]
    assert [nodes_at(pool, rate, charging) for rate in (0, 226, 600, 1e6)] == [1, 2, 3, 7]


def test_what_runs_on_every_machine_takes_room_from_pods(book: PriceBook) -> None:
    """Without the daemon three pods fit too; with a heavier one only two do."""
    heavy = small_cluster(add_ons=(replace(DAEMON, cpu=0.9),))
    light, dear = (
        lines(bill(design, visited(600), book, STEADY), "burst-nodes") for design in (small_cluster(), heavy)
    )
    assert (light["m7g.large"].quantity, dear["m7g.large"].quantity) == (2 * 730, 3 * 730)


def test_spot_is_a_line_of_its_own(book: PriceBook) -> None:
    design = small_cluster()
    parts = tuple(replace(part, spot_share=0.5) if part.name == "burst-nodes" else part for part in design.parts)  # type: ignore[call-arg]
    found = lines(bill(replace(design, parts=parts), visited(600), book, STEADY), "burst-nodes")
    assert found["m7g.large"].quantity == found["m7g.large on Spot"].quantity == 730
    assert found["m7g.large on Spot"].usd < found["m7g.large"].usd / 2


def test_a_spike_is_paid_for_half_an_hour(book: PriceBook) -> None:
    work = Workload("tea")
    work.traffic(Traffic(concurrent_users=750, think_time="10s", peak=8))
    given = replace(STEADY, spikes_per_month=4.0)
    found = lines(bill(small_cluster(), work.freeze(), book, given), "burst-nodes")
    assert found["m7g.large"].quantity == pytest.approx(4 * 2 * 0.5), "2 machines more, 4 times"


def test_machines_that_are_always_there_are_fixed(eks: Design, shop: Graph, book: PriceBook) -> None:
    found = bill(eks, shop, book)
    (machine,) = [line for line in lines(found, "nodes").values() if line.item.startswith("m7g")]
    assert machine.depends == "fixed"
    assert machine.quantity == pytest.approx(730 * eks.of(NodePool)[0].min_nodes)
    assert all(line.depends == "use" for line in lines(found, "burst-nodes").values())


def test_a_worker_waits_at_its_queue_with_its_least(eks: Design, shop: Graph, book: PriceBook) -> None:
    quiet = bill(eks, with_users(shop, 0), book)
    lane = eks.of(SqsQueue)[0].name
    (requests,) = [line for line in quiet.lines if (line.part, line.item) == (lane, "requests")]
    assert requests.quantity * 1e6 == pytest.approx(730 * 3_600 / 20)


def test_more_visitors_never_cost_less(shop: Graph, book: PriceBook) -> None:
    design = place(shop, "prod", rung="eks")
    bills = [bill(design, with_users(shop, users), book) for users in range(0, 60_000, 3_000)]
    assert all(one.total <= other.total + 1e-6 for one, other in pairwise(bills))
    assert len({round(each.fixed, 6) for each in bills}) == 1


def test_every_line_says_where_it_comes_from(eks: Design, shop: Graph, book: PriceBook) -> None:
    found = bill(eks, shop, book)
    assert [line for line in found.lines if not (line.because and line.source and line.unit)] == []
    keys = [(line.part, line.item) for line in found.lines]
    assert len(keys) == len(set(keys))


def test_the_cluster_is_watched_and_its_log_is_kept(book: PriceBook) -> None:
    """us-east-1: 6 figures of the cluster, 8 of its Deployment, 6 of its machine at 0.30; 5 GiB of log at 0.50."""
    design = small_cluster(logs=("api", "audit"), container_insights=True)
    found = lines(bill(design, visited(1), book, STEADY), "cluster")
    assert found["container insights"].quantity == 20
    assert found["container insights"].usd == pytest.approx(6.00)
    assert found["control plane log"].usd == pytest.approx(2.50)
    assert "api, audit" in found["control plane log"].because


def test_a_deployment_writes_its_log(book: PriceBook) -> None:
    """One request a second, 0.1 KiB each: 2,628,000 lines in a month, kept for 30 days at a sixth."""
    found = lines(bill(small_cluster(), visited(1), book, STEADY), "api")
    gib = 2_628_000 * 0.1 / 1_048_576
    assert found["log ingest"].quantity == pytest.approx(gib)
    assert found["log storage"].quantity == pytest.approx(gib / 6)
