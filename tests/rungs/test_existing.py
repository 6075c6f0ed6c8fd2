"""What exists is named and not made; access to it is as narrow as to what is ours."""

from __future__ import annotations

from rung import ExistingVpc, Workload
from rung.model.nodes import Environment
from rung.parts.compute import EcsService
from rung.parts.data import BucketPart, SecretPart, TablePart
from rung.parts.design import Design
from rung.parts.network import Network
from rung.parts.values import Document
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
