"""The lines that everybody forgets, each calculated by hand from the published price. Ireland, 730 hours."""

from __future__ import annotations

import pytest

from price.parts import BOOK, charging, line, usd
from rung.parts.compute import (
    Cluster,
    Container,
    EcsJob,
    EcsService,
    Host,
    HostGroup,
    Registry,
    ScheduledTask,
)
from rung.parts.data import (
    AuroraCluster,
    BackupPlan,
    BucketPart,
    FileSystem,
    PostgresInstance,
    SecretPart,
    TablePart,
)
from rung.parts.edge import Distribution, Firewall, Forward, LoadBalancer, SitePart
from rung.parts.messaging import EventBus, SqsQueue
from rung.parts.network import Network
from rung.parts.operations import Alarm, Dashboard, Keys, Metric, UptimeCheck
from rung.price.edge_lines import capacity_units

GIB_KIB = 1_048_576


def service(**changes: object) -> EcsService:
    given: dict[str, object] = {
        "name": "api", "node": "api", "role": "web", "min_tasks": 2, "max_tasks": 2,
        "container": Container(command=("run",), cpu=0.5, memory_mib=1_024),
    }  # fmt: skip
    return EcsService(**{**given, **changes})  # type: ignore[arg-type]


# ---------------------------------------------------------------------------- addresses and the way out


def test_public_addresses_of_a_load_balancer() -> None:
    """One in each of two zones at half a cent: 7.30."""
    found = usd(LoadBalancer(), "public IPv4 addresses", Network(zones=2))
    assert found == pytest.approx(2 * 730 * 0.005)


def test_a_task_without_a_nat_pays_for_its_address() -> None:
    network = Network(tiers=("public", "isolated"), nat="none")
    assert usd(service(), "public IPv4 address", network) == pytest.approx(2 * 730 * 0.005)


def test_a_nat_is_hours_bytes_and_an_address() -> None:
    """A million writes that call outside with 4 KiB: 3.8 GiB at 4.8 cents."""
    network = Network(nat="single", interface_endpoints=("logs", "ecr.dkr"))
    assert usd(network, "NAT gateways") == pytest.approx(730 * 0.048)
    assert usd(network, "public IPv4 of the NAT") == pytest.approx(730 * 0.005)
    pulled = Network(nat="single", gateway_endpoints=(), interface_endpoints=("logs",))
    found = usd(pulled, "NAT bytes", service(), image_gib=0.5, deploys_per_month=10)
    assert found == pytest.approx(0.5 * 10 * 2 * 0.048)


def test_interface_endpoints_are_paid_by_zone() -> None:
    network = Network(zones=3, interface_endpoints=("logs", "sqs"))
    assert usd(network, "interface endpoints") == pytest.approx(2 * 3 * 730 * 0.011)


def test_between_zones_is_paid_at_both_ends() -> None:
    """9 KiB there and back, a third of requests reach the database, half of them in the other zone."""
    found = usd(Network(zones=2), "between zones", requests=1e6, database_share=0.3)
    assert found == pytest.approx(1e6 * 9 / GIB_KIB * 0.3 * 0.5 * 2 * 0.01)


def test_flow_logs_are_log_ingest() -> None:
    found = usd(Network(), "flow logs", requests=6e6)
    assert found == pytest.approx(1e6 * 4 * 0.1 / GIB_KIB * 0.57)


def test_bytes_to_the_internet_without_a_cdn() -> None:
    found = usd(LoadBalancer(), "bytes to the internet", Network(), requests=1e7)
    assert found == pytest.approx(1e7 * 8 / GIB_KIB * 0.09)


# ---------------------------------------------------------------------------- capacity units, each dimension


@pytest.mark.parametrize(
    ("forwards", "given", "dimension", "each"),
    [
        (0, {"response_kib": 0.01, "request_kib": 0.01}, "new connections", 1 / 6 / 25),
        (0, {"response_kib": 8.0, "request_kib": 1.0}, "bytes", 9 * 3_600 / GIB_KIB),
        (60, {"response_kib": 0.01, "request_kib": 0.01}, "rule evaluations", 50 / 1_000),
    ],
)
def test_the_dimension_that_binds_makes_the_capacity_units(
    forwards: int, given: dict[str, float], dimension: str, each: float
) -> None:
    paths = tuple(Forward(path=f"/{number}", target="api", node="api") for number in range(forwards))
    balancer = LoadBalancer(forwards=paths)
    charged = charging(balancer, Network(), requests=730 * 3_600 * 100.0, **given)
    units, because = capacity_units(balancer, charged)
    assert because.startswith(dimension)
    assert units == pytest.approx(100 * each * 730)
    assert line(balancer, "capacity units", charged).usd == pytest.approx(100 * each * 730 * 0.008)


def test_active_connections_bind_where_they_are_held(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection that is held for ten minutes is active in all of them: web sockets, slow polls."""
    monkeypatch.setattr("rung.price.edge_lines.CONNECTION_SECONDS", 600.0)
    balancer = LoadBalancer()
    charged = charging(balancer, Network(), requests=730 * 3_600 * 100.0, response_kib=0.01, request_kib=0.01)
    units, because = capacity_units(balancer, charged)
    assert because.startswith("active connections")
    assert units == pytest.approx(100 * 600 / 6 / 3_000 * 730)


# ---------------------------------------------------------------------------- the edge


def edge(**changes: object) -> Distribution:
    return Distribution(**{"load_balancer": "load-balancer", **changes})  # type: ignore[arg-type]


def test_the_edge_counts_the_files_of_a_site_too() -> None:
    """12 million requests, a million visits of 8 files: 20 million at 1.2 cents for 10,000."""
    found = usd(edge(), "requests", SitePart(name="web", node="web", source="web"), requests=12e6)
    assert found == pytest.approx(20e6 / 1e4 * 0.012)
    assert usd(edge(), "requests", requests=12e6) == pytest.approx(12e6 / 1e4 * 0.012)


def test_bytes_of_the_edge_by_hand() -> None:
    """Half of a million visits load 150 KiB, the others 8 answers of 0.3; 12 million answers of 8 KiB."""
    site = SitePart(name="web", node="web", source="web")
    found = usd(edge(), "bytes out", site, requests=12e6)
    kib = 1e6 * (0.5 * 150 + 0.5 * 8 * 0.3) + 12e6 * 8
    assert found == pytest.approx(kib / GIB_KIB * 0.085)


def test_bytes_to_the_origin_are_the_bodies_of_writes() -> None:
    assert usd(edge(), "bytes to the origin", requests=1e8, writes=0.1) == pytest.approx(1e7 / GIB_KIB * 0.02)


def test_edge_functions_run_for_each_request_of_the_site() -> None:
    site = SitePart(name="web", node="web", source="web")
    assert usd(edge(), "edge functions", site, requests=12e6) == pytest.approx(8 * 0.10)


def test_a_firewall_is_a_list_rules_and_every_request() -> None:
    firewall = Firewall(managed_groups=("a", "b", "c"), blocked_countries=("XX",))
    assert usd(firewall, "web ACL") == 5.0
    assert usd(firewall, "rules") == 5 * 1.0
    assert usd(firewall, "requests", edge(), requests=1e7) == pytest.approx(10 * 0.60)


def test_a_regional_firewall_sees_no_site() -> None:
    site = SitePart(name="web", node="web", source="web")
    firewall = Firewall(scope="REGIONAL")
    assert usd(firewall, "requests", edge(), site, requests=12e6) == pytest.approx(12 * 0.60)


# ---------------------------------------------------------------------------- logs and metrics


def test_logs_are_paid_when_written_and_while_kept() -> None:
    """A million lines of 0.1 KiB at 57 cents; 90 days of them, a sixth of the size, at 3 cents."""
    gib = 1e6 * 0.1 / GIB_KIB
    assert usd(service(), "log ingest", requests=1e6) == pytest.approx(gib * 0.57)
    assert usd(service(log_days=90), "log storage", requests=1e6) == pytest.approx(gib * 3 / 6 * 0.03)


def test_access_logs_are_kept_packed() -> None:
    bucket = BucketPart(name="logs", node="@workload", purpose="logs", expire_days=90)
    balancer = LoadBalancer(logs="logs")
    gib = 1e9 * 0.5 / 6 / GIB_KIB / (730 / 24) * 90
    assert usd(bucket, "storage", balancer, requests=1e9) == pytest.approx(gib * 0.023)


def test_container_insights_are_custom_metrics() -> None:
    assert usd(Cluster(), "container insights", service()) == pytest.approx((8 + 6) * 0.30)


def test_an_alarm_is_billed_by_its_metrics() -> None:
    metrics = tuple(Metric(namespace="AWS/ECS", name=name, statistic="Sum", id=name) for name in ("m1", "m2"))
    alarm = Alarm(name="a", node="api", part="api", metrics=metrics, threshold=1, runbook="service-slow")
    assert usd(alarm, "alarm") == pytest.approx(0.20)


def test_dashboards_and_checks_from_outside() -> None:
    assert usd(Dashboard(), "dashboard") == 3.0
    check = UptimeCheck(domain="example.com", path="/health")
    assert usd(check, "health check") + usd(check, "health check over HTTPS") == 1.5


# ---------------------------------------------------------------------------- machines


def test_a_machine_pays_for_what_it_works_beyond_its_baseline() -> None:
    """100 requests/s of 4 ms, and 0.3 ms in the database: 0.45 vCPU of work; a t4g.small has 2 x 20 %."""
    box = Host(instance_type="t4g.small")
    found = usd(box, "CPU credits", requests=730 * 3_600 * 100.0)
    assert found == pytest.approx((0.43 + 0.02 - 0.4) * 730 * 0.04)
    assert usd(box, "CPU credits", requests=730 * 3_600 * 50.0) == 0


def test_a_t3_machine_pays_five_cents_for_a_credit() -> None:
    hosts = HostGroup(instance_type="t3.small", min_hosts=1, max_hosts=1)
    found = usd(hosts, "CPU credits", requests=730 * 3_600 * 200.0)
    assert found == pytest.approx((0.8 + 0.02 - 0.4) * 730 * 0.05)


def test_a_database_pays_for_credits_too() -> None:
    """1,000 requests/s, 0.3 ms each: 0.3 vCPU and the system; a db.t4g.micro has 2 x 10 %."""
    found = usd(PostgresInstance(name="db", node="db"), "CPU credits", requests=730 * 3_600 * 1_000.0)
    assert found == pytest.approx((0.3 + 0.02 - 0.2) * 730 * 0.075)


def test_disks_are_paid_while_machines_run() -> None:
    hosts = HostGroup(instance_type="t4g.small", root_gib=30, min_hosts=2, max_hosts=2)
    assert usd(hosts, "disks") == pytest.approx(2 * 30 * 0.088)


def test_a_machine_with_a_domain_pays_for_look_ups() -> None:
    box = Host(domain="example.com", zone="example.com")
    assert usd(box, "DNS queries", requests=12e6) == pytest.approx(0.40)


# ---------------------------------------------------------------------------- partial hours and minimums


def test_a_run_of_seconds_is_billed_a_minute() -> None:
    """43,800 runs in a month of a quarter vCPU on ARM: 730 hours of it."""
    job = EcsJob(name="tick", node="tick", container=Container(command=("run",), cpu=0.25, memory_mib=512))
    clock = ScheduledTask(name="c", node="tick", job="tick", expression="rate(1 minute)", every_seconds=60)
    assert usd(job, "vCPU", clock) == pytest.approx(730 * 0.25 * 0.03238)
    assert usd(job, "memory", clock) == pytest.approx(730 * 0.5 * 0.00356)
    assert usd(clock, "schedule invocations", job) == pytest.approx(0.0438)


def test_tasks_are_billed_by_the_second() -> None:
    """Three hours of two tasks at a higher number are three hours, not a day."""
    charged = charging(service(min_tasks=1, max_tasks=4), requests=730 * 3_600 * 80.0, cpu_ms=4.0)
    assert line(service(min_tasks=1, max_tasks=4), "vCPU", charged).quantity == pytest.approx(2 * 730 * 0.5)


# ---------------------------------------------------------------------------- data


def test_backups_beyond_the_size_of_the_database() -> None:
    """100 GiB with 2 % a day kept for 35 days are 170; 100 are free; 9.5 cents for each of 70."""
    instance = PostgresInstance(name="db", node="db", storage_gib=100, backup_days=35)
    assert usd(instance, "backups", database_gib=100) == pytest.approx(70 * 0.095)
    assert usd(instance, "backups", database_gib=10) == 0


def test_backups_of_aurora_beyond_the_first_day() -> None:
    cluster = AuroraCluster(name="db", node="db", backup_days=35)
    assert usd(cluster, "backups", database_gib=100) == pytest.approx(100 * 0.02 * 34 * 0.021)


def test_aurora_pays_for_its_reads_and_writes() -> None:
    cluster = AuroraCluster(name="db", node="db")
    assert usd(cluster, "I/O", requests=1e9) == pytest.approx(200 * 0.22)


@pytest.mark.parametrize(
    ("protected", "item", "expected"),
    [
        (PostgresInstance(name="db", node="db"), "recovery points of db", 10 * 1.7 * 0.095),
        (AuroraCluster(name="db", node="db"), "recovery points of db", 10 * 1.7 * 0.021),
        (FileSystem(name="files", node="files"), "recovery points of files", 5 * 1.7 * 0.055),
        (TablePart(name="t", node="t", partition_key="id"), "recovery points of t", 5 * 1.7 * 0.114),
    ],
)
def test_recovery_points_cost_what_they_are_copies_of(
    protected: PostgresInstance | AuroraCluster | FileSystem | TablePart, item: str, expected: float
) -> None:
    plan = BackupPlan(keep_days=35, protects=(protected.name,))
    assert usd(plan, item, protected) == pytest.approx(expected)


def test_snapshots_of_disks() -> None:
    """20 GB kept: a dollar."""
    assert BOOK.tariff("ebs", "snapshot-storage", region="eu-west-1").charge(20) == pytest.approx(1.00)


def test_shared_files_are_stored_read_and_written() -> None:
    files = FileSystem(name="files", node="files")
    found = [usd(files, item, object_gib=10) for item in ("storage", "reads", "writes")]
    assert found == pytest.approx([10 * 0.33, 10 * 0.03, 10 * 0.07])


def test_a_secret_is_kept_and_read() -> None:
    secret = SecretPart(name="key", node="key")
    assert usd(secret, "secret") == pytest.approx(0.40)
    assert usd(secret, "secret reads", Host()) == pytest.approx(730 * 12 / 1e4 * 0.05)


def test_keys_are_kept_and_called() -> None:
    assert usd(Keys(), "keys") == 2.0
    assert usd(Keys(), "key requests", service()) == pytest.approx(2 * 730 * 24 / 1e4 * 0.03)


def test_images_share_their_layers() -> None:
    """Thirty images of 0.5 GiB, a tenth of each new: 1.95 GiB at ten cents."""
    assert usd(Registry(keep_images=30), "images", image_gib=0.5) == pytest.approx((0.5 + 29 * 0.05) * 0.10)


# ---------------------------------------------------------------------------- messages


def test_a_message_is_sent_received_and_deleted() -> None:
    """A million, taken two at a time: 2 million calls at 40 cents."""
    queue = SqsQueue(name="orders", node="orders")
    assert usd(queue, "requests", messages=(("orders", 1e6),)) == pytest.approx(2 * 0.40)
    alone = usd(queue, "requests", messages=(("orders", 1e6),), messages_per_call=1.0)
    assert alone == pytest.approx(3 * 0.40)


def test_events_are_paid_when_published() -> None:
    assert usd(EventBus(name="bus", node="bus"), "events", requests=1e7, writes=0.1) == pytest.approx(1.0)


# ---------------------------------------------------------------------------- what the account pays


def test_configuration_items_are_the_accounts() -> None:
    """AWS Config records changes for the account, not for a workload: it is in the book and on no bill."""
    assert BOOK.tariff("config", "configuration-items", region="eu-west-1").charge(10) == pytest.approx(30.0)


def test_a_hosted_zone_and_its_queries() -> None:
    zone = BOOK.tariff("route-53", "hosted-zone", region="eu-west-1")
    assert zone.charge(30) == pytest.approx(25 * 0.50 + 5 * 0.10)
    assert BOOK.tariff("route-53", "queries", region="eu-west-1").charge(5) == pytest.approx(2.0)
