"""An environment that reuses everything: what it would make, where, asked of Terraform against an emulator."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.rungs.reusing import CACHE, DATABASE, FILES, reusing
from tests.terraform import shop
from tests.terraform.emulator.cloud import CREDENTIALS, Cloud, cloud
from tests.terraform.tool import Terraform

from rung import ExistingLoadBalancer, ExistingVpc
from rung.model.graph import Graph
from rung.rungs import place
from rung.terraform.tree import tree

REGION = "eu-west-1"
#: What the environment must not make, because all of it is there.
OF_OTHERS = {
    "aws_vpc", "aws_subnet", "aws_nat_gateway", "aws_lb", "aws_lb_listener", "aws_db_instance", "aws_rds_cluster",
    "aws_elasticache_replication_group", "aws_efs_file_system", "aws_efs_mount_target",
    "aws_cloudwatch_event_bus", "aws_route53_zone", "aws_sqs_queue",
}  # fmt: skip


def already_there(aws: Cloud) -> Graph:
    """`tea` on a network with a load balancer that the emulator really has."""
    ec2, balancing = aws.client("ec2", REGION), aws.client("elbv2", REGION)
    vpc = ec2.create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.1.{index}.0/24", AvailabilityZone=f"{REGION}{'ab'[index % 2]}")
        ["Subnet"]["SubnetId"]
        for index in range(4)
    ]  # fmt: skip
    groups = [
        ec2.create_security_group(GroupName=name, Description=name, VpcId=vpc)["GroupId"]
        for name in ("shared", "crm", "cache", "scans")
    ]
    shared = balancing.create_load_balancer(Name="shared", Subnets=subnets[:2], SecurityGroups=groups[:1])
    answer = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}
    certificate = aws.client("acm", REGION).request_certificate(DomainName="example.com")["CertificateArn"]
    listener = balancing.create_listener(
        LoadBalancerArn=shared["LoadBalancers"][0]["LoadBalancerArn"], Protocol="HTTPS", Port=443,
        Certificates=[{"CertificateArn": certificate}], DefaultActions=[answer],
    )["Listeners"][0]["ListenerArn"]  # fmt: skip
    aws.client("route53", "us-east-1").create_hosted_zone(Name="example.com", CallerReference="tea")
    places = {
        "db": replace(DATABASE, security_group=groups[1]), "cache": replace(CACHE, security_group=groups[2]),
        "scans": replace(FILES, security_group=groups[3]),
    }  # fmt: skip
    network = ExistingVpc(vpc_id=vpc, public=tuple(subnets[:2]), private=tuple(subnets[2:]))
    return reusing(
        places, existing_vpc=network, existing_load_balancer=ExistingLoadBalancer(listener_arn=listener)
    ).freeze()


@pytest.mark.terraform
@pytest.mark.timeout(240)
def test_what_is_there_is_used_and_not_made(terraform: Terraform, tmp_path: Path) -> None:
    with cloud(tmp_path) as aws:
        design = place(already_there(aws), "prod")
        root = shop.write(tmp_path, tree({"prod": design}, ("prod",), {"prod": {}})) / "infra" / "prod"
        aws.point(root)
        terraform.init(root, "-input=false")
        environment = {**shop.VARIABLES, **CREDENTIALS}
        terraform.run(root, "plan", "-input=false", "-no-color", "-out=it", environment=environment)
        told = terraform.run(root, "show", "-json", "-no-color", "it", environment=environment).stdout
    made = [each for each in json.loads(told)["resource_changes"] if each["change"]["actions"] == ["create"]]
    kinds = {each["type"] for each in made}
    assert not kinds & OF_OTHERS
    assert {
        "aws_ecs_service",
        "aws_lb_target_group",
        "aws_lb_listener_rule",
        "aws_lb_listener_certificate",
        "aws_efs_access_point",
        "aws_lambda_function",
        "aws_lambda_event_source_mapping",
    } <= kinds
    rules = {each["change"]["after"]["description"]: each["change"]["after"] for each in _of(made, "ingress_rule")}
    assert rules["api to db 5433"]["security_group_id"].startswith("sg-")
    assert rules["api to scans 2049"]["security_group_id"].startswith("sg-")
    watched = set(_dimensions(made))
    assert {
        ("DBInstanceIdentifier", "crm"), ("CacheClusterId", "crm-001"), ("QueueName", "mail-urgent"),
        ("QueueName", "mail-dead"), ("FileSystemId", FILES.id),
    } <= watched  # fmt: skip
    names = [each["change"]["after"]["name"] for each in made if "load_balancer.aws_route53" in each["address"]]
    assert names == ["tea.example.com"]
    listeners = {
        each["change"]["after"]["listener_arn"] for each in made if each["type"] == "aws_lb_listener_rule"
    }
    assert all(":listener/app/shared/" in each for each in listeners)


def _of(made: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [each for each in made if each["type"] == f"aws_vpc_security_group_{kind}"]


def _dimensions(made: list[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    """What the alarms are about."""
    for alarm in (each["change"]["after"] for each in made if each["type"] == "aws_cloudwatch_metric_alarm"):
        metrics = [alarm, *(metric for query in alarm["metric_query"] for metric in query["metric"])]
        for metric in metrics:
            yield from (metric.get("dimensions") or {}).items()
