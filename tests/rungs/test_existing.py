"""What exists is named and not made; access to it is as narrow as to what is ours."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from tests.rungs.reusing import CACHE, DATABASE, FILES, KEY, LANES, LISTENER, LOGIN, OWNER, QUEUES, reusing

from rung import ExistingCache, ExistingDatabase, ExistingFiles, ExistingLoadBalancer, ExistingVpc, Workload
from rung.errors import ModelError
from rung.model.codec import decode, encode
from rung.model.nodes import Environment
from rung.parts.compute import EcsService
from rung.parts.data import BackupPlan, BucketPart, FileSystem, SecretPart, TablePart
from rung.parts.design import Design
from rung.parts.edge import LoadBalancer
from rung.parts.network import Network
from rung.parts.operations import Alarm
from rung.parts.values import Document, Reference
from rung.rungs import place

SECRET = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:stripe-AbCdEf"
TABLE = "arn:aws:dynamodb:eu-west-1:123456789012:table/visits"
PRIVATE = ("subnet-0a1b2c3d", "subnet-0e4f5a6b")


def design() -> Design:
    work = Workload("tea")
    secret = work.secret("stripe", rotate_days=30, existing=SECRET)
    table = work.table("visits", partition_key="who", existing=TABLE)
    bucket = work.bucket("uploads", existing="tea-uploads-2019")
    work.service("api", app="tea.api:app", health="/health", uses=[secret, table.read, bucket.read])
    vpc = ExistingVpc(vpc_id="vpc-0a1b2c3d", private=PRIVATE)
    work.environment("dev", existing_vpc=vpc)
    assert work.freeze().of(Environment)[0].existing_vpc == vpc
    return place(work.freeze(), "dev")


def test_nothing_is_made_that_is_there() -> None:
    made = design()
    assert not [part for part in made.parts if isinstance(part, SecretPart | TablePart | BucketPart)]
    assert not made.dangling()


def test_access_names_what_exists() -> None:
    resources = {resource for statement in design().statements for resource in statement.resources}
    assert {SECRET, TABLE, f"{TABLE}/index/*", "arn:aws:s3:::tea-uploads-2019/*"} <= resources


def test_bindings_name_what_exists() -> None:
    (api,) = design().of(EcsService)
    bound = {
        each.name: dict(each.value.fields) for each in api.container.variables if isinstance(each.value, Document)
    }
    assert bound["RUNG_BINDING_STRIPE"]["arn"] == SECRET
    assert bound["RUNG_BINDING_VISITS"]["name"] == "visits"
    assert bound["RUNG_BINDING_UPLOADS"]["name"] == "tea-uploads-2019"


def test_a_vpc_that_exists_brings_its_own_way_out() -> None:
    (network,) = design().of(Network)
    assert network.existing is not None
    assert network.existing.vpc_id == "vpc-0a1b2c3d"
    assert network.existing.isolated_subnet_ids == PRIVATE
    assert network.nat == "none"
    assert not network.interface_endpoints
    assert ("api", "internet", 443) in {(each.source, each.target, each.port) for each in design().connections}


def reused(**environment: Any) -> Design:
    return place(reusing(**environment).freeze(), "prod")


@pytest.mark.parametrize("rung", ["fargate", "host", "eks"])
def test_an_environment_that_reuses_everything_makes_none_of_it(rung: str) -> None:
    made = place(reusing().freeze(), "prod", rung=rung)
    kinds = {part.kind for part in made.parts}
    assert not kinds & {"aurora_cluster", "postgres_instance", "cache_group", "sqs_queue", "event_bus", "firewall"}
    assert not kinds & {"distribution", "objective"}
    assert made.dangling() == ()
    (balancer,) = made.of(LoadBalancer)
    assert (balancer.existing, balancer.first_priority) == (LISTENER, 10_000)
    assert {forward.host for forward in balancer.forwards} == {"tea.example.com"}


def test_rules_lead_to_the_groups_of_others_and_nobody_new_reaches_the_load_balancer() -> None:
    made = reused()
    ways = {(each.source, each.target, each.port) for each in made.connections}
    assert {
        ("api", "db", 5433),
        ("mailer", "db", 5433),
        ("db-migrate", "db", 5433),
        ("api", "cache", 6379),
    } <= ways
    assert not [each for each in ways if each[1] in ("load-balancer", "s3")]
    assert made.there["db", "security_group_id"] == DATABASE.security_group


def test_access_to_a_queue_of_others_names_its_own_key_and_no_other() -> None:
    statements = {each.sid: each for each in reused().statements}
    assert statements["ApiSendMails"].resources == (f"{QUEUES}mail-urgent", f"{QUEUES}mail-bulk")
    assert statements["ApiSendMailsDeadLetters"].resources == (f"{QUEUES}mail-dead",)
    assert statements["ApiSendMailsKey"].resources == (KEY,)
    assert statements["ApiReadCache"].resources == (LOGIN,)
    assert statements["DbMigrateSecrets"].resources[0] == OWNER
    assert statements["DbMigrateSecretsForeignKey"].resources == (KEY,)


def test_bindings_lead_to_what_is_there() -> None:
    api = next(part for part in reused().of(EcsService) if part.name == "api")
    bound = {
        each.name: dict(each.value.fields) for each in api.container.variables if isinstance(each.value, Document)
    }
    assert bound["RUNG_BINDING_DB"]["url"] == f"postgresql://{DATABASE.host}:5433/crm?sslmode=verify-full"
    assert bound["RUNG_BINDING_CACHE"]["url"] == f"rediss://{CACHE.host}:6379/0"
    urls = bound["RUNG_BINDING_MAILS"]["urls"]
    assert isinstance(urls, Document)
    assert dict(urls.fields)["urgent"] == "https://sqs.eu-west-1.amazonaws.com/123456789012/mail-urgent"
    assert bound["RUNG_BINDING_COMPANY"]["name"] == "company"


DOOR = "fsap-0a1b2c3d4e5f60718"
INTERNAL = ExistingLoadBalancer(listener_arn=LISTENER, internal=True)


@pytest.mark.parametrize(
    ("places", "environment", "codes"),
    [
        ({"db": replace(DATABASE, credentials="crm-owner")}, {}, ["R0809"]),
        ({"db": replace(DATABASE, host="postgresql://crm:5432/crm")}, {}, ["R0809"]),
        ({"cache": replace(CACHE, security_group="cache")}, {}, ["R0809"]),
        ({"mails": LANES[:1]}, {}, ["R0826"]),
        ({"mails": replace(LANES[0], arn=LANES[0].arn.replace("eu-west-1", "us-east-1"))}, {}, ["R0809", "R0826"]),
        ({"mails": (LANES[0], replace(LANES[1], arn=LANES[1].arn.replace("eu-", "us-")))}, {}, ["R0809"]),
        ({"db": replace(DATABASE, instance="crm", cluster="crm")}, {}, ["R0809"]),
        ({"db": replace(DATABASE, instance="CRM main")}, {}, ["R0809"]),
        ({"db": replace(DATABASE, max_connections=0)}, {}, ["R0809"]),
        ({"cache": replace(CACHE, nodes=7)}, {}, ["R0809"]),
        ({"scans": replace(FILES, id="scans")}, {}, ["R0809"]),
        ({"scans": replace(FILES, security_group="scans")}, {}, ["R0809"]),
        ({"scans": replace(FILES, access_point="scans")}, {}, ["R0809"]),
        ({"scans": replace(FILES, access_point=DOOR, directory="/scans")}, {}, ["R0809"]),
        ({"scans": replace(FILES, access_point=DOOR, user_id=33)}, {}, ["R0809"]),
        ({"scans": replace(FILES, directory="/")}, {}, ["R0809"]),
        ({"scans": replace(FILES, user_id=0)}, {}, ["R0809"]),
        ({}, {"rung": "box"}, ["R0801", "R0801", "R0801", "R0801", "R0801", "R0805"]),
        ({}, {"domain": None, "zone": None}, ["R0805"]),
        ({}, {"firewall": True}, ["R0805"]),
        ({}, {"distribution": True}, ["R0805"]),
        ({}, {"existing_vpc": None}, ["R0805", "R0805"]),
        ({}, {"existing_load_balancer": ExistingLoadBalancer(listener_arn="shared")}, ["R0809"]),
    ],
)
def test_what_is_missing_or_misnamed_is_said(
    places: dict[str, Any], environment: dict[str, Any], codes: list[str]
) -> None:
    with pytest.raises(ModelError) as caught:
        place(reusing(places, **environment).freeze(), "prod")
    assert sorted(finding.code for finding in caught.value.findings) == codes
    assert all(finding.help for finding in caught.value.findings)


def test_a_database_by_its_name_alone_is_not_enough() -> None:
    work = Workload("tea")
    work.service("api", app="tea.api:app", health="/health", uses=[work.postgres("db", existing="crm")])
    work.environment("dev")
    with pytest.raises(ModelError) as caught:
        place(work.freeze(), "dev")
    (finding,) = caught.value.findings
    assert finding.code == "R0825"
    assert "existing={db: ExistingDatabase(" in finding.help


@pytest.mark.parametrize("place_of", [None, replace(FILES, id="fs-0a1b2c3d")])
def test_files_by_their_id_alone_are_not_enough_and_two_ids_are_too_many(place_of: ExistingFiles | None) -> None:
    work = Workload("tea")
    scans = work.files("scans", mount="/mnt/scans", existing=FILES.id)
    work.service("api", app="tea.api:app", health="/health", uses=[scans])
    vpc = ExistingVpc(vpc_id="vpc-0a1b2c3d", private=PRIVATE)
    work.environment("dev", existing_vpc=vpc, existing={scans: place_of} if place_of else {})
    with pytest.raises(ModelError) as caught:
        place(work.freeze(), "dev")
    (finding,) = caught.value.findings
    assert finding.code == ("R0809" if place_of else "R0825")
    assert finding.help


@pytest.mark.parametrize("rung", ["fargate", "host", "eks", "serverless"])
def test_files_of_others_get_a_door_of_our_own_and_nothing_else(rung: str) -> None:
    made = place(reusing(existing_load_balancer=None).freeze(), "prod", rung=rung)
    (files,) = made.of(FileSystem)
    assert (files.existing, files.path, files.user_id) == (FILES.id, "/tea-prod-scans", 1_000)
    assert files.security_group == FILES.security_group
    assert not [each for each in made.of(BackupPlan) if "scans" in each.protects]
    user = "hosts" if rung == "host" else "api"
    assert (user, "scans", 2_049) in {(each.source, each.target, each.port) for each in made.connections}
    mount = next(each for each in made.statements if each.sid == "ApiReadScans")
    assert mount.conditions[0].values == (Reference(part="scans", output="access_point_arn"),)


def watched(**places: Any) -> dict[str, tuple[tuple[str, Reference | str], ...]]:
    made = place(reusing(places).freeze(), "prod")
    return {
        alarm.name: alarm.metrics[0].dimensions
        for alarm in made.of(Alarm)
        if alarm.node in ("db", "cache", "mails")
    }


def test_what_others_own_is_watched_where_its_name_is_known() -> None:
    alarms = watched()
    assert alarms["db-cpu-high"] == alarms["db-storage-low"] == (("DBInstanceIdentifier", "crm"),)
    assert alarms["db-transaction-ids"] == alarms["db-slow-writes"] == (("DBInstanceIdentifier", "crm"),)
    assert alarms["cache-cpu-high"] == alarms["cache-memory-high"] == (("CacheClusterId", "crm-001"),)
    assert alarms["mails-urgent-waiting"] == (("QueueName", "mail-urgent"),)
    assert alarms["mails-urgent-dead-letters"] == (("QueueName", "mail-dead"),)
    assert "mails-bulk-dead-letters" not in alarms
    assert "db-connections-high" not in alarms


@pytest.mark.parametrize(
    ("database", "dimension"),
    [
        (replace(DATABASE, host="crm.cluster-abcdefghijkl.eu-west-1.rds.amazonaws.com"), "DBClusterIdentifier"),
        (replace(DATABASE, host="crm.cluster-ro-abcdefghijkl.eu-west-1.rds.amazonaws.com"), "DBClusterIdentifier"),
        (replace(DATABASE, host="db.internal", cluster="crm"), "DBClusterIdentifier"),
        (replace(DATABASE, host="db.internal", instance="crm"), "DBInstanceIdentifier"),
    ],
)
def test_a_database_is_known_by_its_address_or_by_what_is_said(database: ExistingDatabase, dimension: str) -> None:
    alarms = watched(db=replace(database, max_connections=400))
    assert alarms["db-cpu-high"] == alarms["db-connections-high"] == ((dimension, "crm"),)
    assert ("db-storage-low" in alarms) == (dimension == "DBInstanceIdentifier")


@pytest.mark.parametrize(
    ("cache", "nodes"),
    [
        (replace(CACHE, host="crm.abcdef.ng.0001.euw1.cache.amazonaws.com", tls=False), ["crm-001"]),
        (replace(CACHE, host="cache.internal", replication_group="crm", nodes=2), ["crm-001", "crm-002"]),
    ],
)
def test_every_node_of_a_cache_is_watched(cache: ExistingCache, nodes: list[str]) -> None:
    found = [value for name, ((_, value),) in watched(cache=cache).items() if name.endswith("cpu-high")
             and name.startswith("cache")]  # fmt: skip
    assert found == nodes


def test_an_address_of_somebodys_own_is_watched_by_nobody() -> None:
    alarms = watched(db=replace(DATABASE, host="db.internal"), cache=replace(CACHE, host="cache.internal"))
    assert not [name for name in alarms if name.startswith(("db-", "cache-"))]


def test_cloudfront_stands_in_front_of_an_internal_load_balancer_of_others() -> None:
    made = reused(existing_load_balancer=INTERNAL)
    assert ("cloudfront", "load-balancer", 443) in {
        (each.source, each.target, each.port) for each in made.connections
    }
    assert {"distribution", "firewall"} <= {part.kind for part in made.parts}


def test_what_is_no_place_is_refused_where_it_is_written() -> None:
    work = reusing()
    db = work.postgres("other")
    work.environment("dev", existing={db: CACHE})
    with pytest.raises(ModelError) as caught:
        work.freeze()
    assert [finding.code for finding in caught.value.findings] == ["R0208"]


def test_what_exists_survives_json() -> None:
    graph = reusing().freeze()
    assert decode(json.dumps(encode(graph))).of(Environment) == graph.of(Environment)
