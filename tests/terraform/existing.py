"""What exists in an account, asked through boto3, against what the design says should."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tests.terraform.emulator.cloud import Cloud

from rung.parts.compute import EcsService, Host, ScheduledTask
from rung.parts.data import AuroraCluster, PostgresInstance
from rung.parts.design import Design
from rung.parts.edge import Certificate, LoadBalancer
from rung.parts.messaging import SqsQueue
from rung.parts.operations import Alarm


def prepare(aws: Cloud, design: Design) -> None:
    """What is there before anything of ours: the hosted zone of the domain."""
    zones = {part.zone for part in design.of(Certificate)} | {part.zone for part in design.of(Host) if part.zone}
    for zone in sorted(zones):
        aws.client("route53", "us-east-1").create_hosted_zone(Name=zone, CallerReference=zone)


def unprotect(aws: Cloud, design: Design) -> None:
    """What protects production from being deleted, taken away as a person would."""
    rds = aws.client("rds", design.region)
    for database in design.of(AuroraCluster):
        rds.modify_db_cluster(DBClusterIdentifier=name_of(design, database.name), DeletionProtection=False)
    for database in design.of(PostgresInstance):
        rds.modify_db_instance(DBInstanceIdentifier=name_of(design, database.name), DeletionProtection=False)
    balancing = aws.client("elbv2", design.region)
    for balancer in balancing.describe_load_balancers()["LoadBalancers"]:
        off = [{"Key": "deletion_protection.enabled", "Value": "false"}]
        balancing.modify_load_balancer_attributes(LoadBalancerArn=balancer["LoadBalancerArn"], Attributes=off)
    _empty_buckets(aws, design)


def _empty_buckets(aws: Cloud, design: Design) -> None:
    """A bucket with something in it is not deleted, and access logs were written, and are while one is watched."""
    s3 = aws.client("s3", design.region)
    for bucket in s3.list_buckets()["Buckets"]:
        s3.put_bucket_logging(Bucket=bucket["Name"], BucketLoggingStatus={})
    for bucket in s3.list_buckets()["Buckets"]:
        # moto reads the policy that refuses what comes without TLS, and here nothing has TLS.
        s3.delete_bucket_policy(Bucket=bucket["Name"])
        found = s3.list_object_versions(Bucket=bucket["Name"])
        for each in [*found.get("Versions", []), *found.get("DeleteMarkers", [])]:
            version = {} if each["VersionId"] == "null" else {"VersionId": each["VersionId"]}
            s3.delete_object(Bucket=bucket["Name"], Key=each["Key"], **version)


def name_of(design: Design, part: str) -> str:
    """What a part is called in AWS."""
    return f"{design.workload}-{design.environment}-{part}"


def differences(aws: Cloud, design: Design) -> list[str]:
    """Everything in which the account and the design differ."""
    checks = (_alarms, _queues, _schedules, _services, _policies, _rules, _routes)
    return [difference for check in checks for difference in check(aws, design)]


def _compare(what: str, wanted: set[Any], found: set[Any]) -> Iterator[str]:
    if wanted != found:
        yield f"{what}: missing {sorted(wanted - found)}, unexpected {sorted(found - wanted)}"


def _alarms(aws: Cloud, design: Design) -> Iterator[str]:
    """Every alarm of the design rings, and says where its runbook is."""
    told = aws.client("cloudwatch", design.region).describe_alarms(MaxRecords=100)["MetricAlarms"]
    alarms = {each["AlarmName"]: each for each in told}
    wanted = {name_of(design, alarm.name) for alarm in design.of(Alarm)}
    yield from _compare("alarms", wanted, {name for name in alarms if not _of_others(name)})
    for alarm in design.of(Alarm):
        found = alarms.get(name_of(design, alarm.name), {})
        if found and f"/{alarm.runbook}.md" not in found.get("AlarmDescription", ""):
            yield f"{alarm.name} names no runbook"
        if found and not found.get("AlarmActions"):
            yield f"{alarm.name} tells nobody"
        if found and found["Threshold"] != alarm.threshold:
            yield f"{alarm.name} rings at {found['Threshold']} instead of {alarm.threshold}"


def _of_others(name: str) -> bool:
    """Alarms that the design does not list: those of objectives, and those that scaling makes for itself."""
    return "burn" in name or name.startswith("TargetTracking-")


def _queues(aws: Cloud, design: Design) -> Iterator[str]:
    """Every lane has its queue, encrypted with our key, and its dead-letter queue."""
    sqs = aws.client("sqs", design.region)
    found = {address.rsplit("/", 1)[-1]: address for address in sqs.list_queues().get("QueueUrls", [])}
    for queue in design.of(SqsQueue):
        address = found.get(name_of(design, queue.name))
        if address is None:
            yield f"no queue {queue.name}"
            continue
        attributes = sqs.get_queue_attributes(QueueUrl=address, AttributeNames=["All"])["Attributes"]
        redrive = json.loads(attributes.get("RedrivePolicy", "{}"))
        if redrive.get("maxReceiveCount") != queue.max_receive_count:
            yield f"{queue.name} gives up after {redrive.get('maxReceiveCount')}"
        if redrive.get("deadLetterTargetArn", "").rsplit(":", 1)[-1] not in found:
            yield f"{queue.name} has no dead-letter queue"
        if ":key/" not in attributes.get("KmsMasterKeyId", ""):
            yield f"{queue.name} has no key of ours"


def _schedules(aws: Cloud, design: Design) -> Iterator[str]:
    """Every schedule is there, at its time, and gives up to a dead-letter queue."""
    scheduler = aws.client("scheduler", design.region)
    found = {}
    for each in scheduler.list_schedules()["Schedules"]:
        found[each["Name"]] = scheduler.get_schedule(Name=each["Name"], GroupName=each["GroupName"])
    for task in design.of(ScheduledTask):
        told = found.get(name_of(design, task.name))
        if told is None or told["ScheduleExpression"] != task.expression:
            yield f"schedule {task.name} is {told and told['ScheduleExpression']}, not {task.expression}"
        elif "DeadLetterConfig" not in told["Target"]:
            yield f"schedule {task.name} has no dead-letter queue"


def _services(aws: Cloud, design: Design) -> Iterator[str]:
    """Every service runs in the cluster, in our network, and goes back by itself when a deployment fails."""
    if not design.of(EcsService):
        return
    ecs = aws.client("ecs", design.region)
    cluster = name_of(design, "cluster")
    arns = ecs.list_services(cluster=cluster)["serviceArns"]
    wanted = {name_of(design, service.name) for service in design.of(EcsService)}
    yield from _compare("services", wanted, {arn.rsplit("/", 1)[-1] for arn in arns})
    for service in ecs.describe_services(cluster=cluster, services=arns)["services"]:
        if service["desiredCount"] < 1 or "awsvpcConfiguration" not in service.get("networkConfiguration", {}):
            yield f"{service['serviceName']} runs nothing, or nowhere"
        breaker = service.get("deploymentConfiguration", {}).get("deploymentCircuitBreaker", {})
        if not (breaker.get("enable") and breaker.get("rollback")):
            yield f"{service['serviceName']} does not roll back"


def _policies(aws: Cloud, design: Design) -> Iterator[str]:
    """Every role may do what the design's statements say, and no action more."""
    iam = aws.client("iam", "us-east-1")
    wanted: dict[str, set[str]] = {}
    for statement in design.statements:
        wanted.setdefault(statement.principal, set()).update(statement.actions)
    for principal, actions in wanted.items():
        role = _role(iam, name_of(design, principal))
        policy = iam.get_role_policy(RoleName=role, PolicyName=f"{name_of(design, principal)}")["PolicyDocument"]
        allowed = {action for statement in policy["Statement"] for action in statement["Action"]}
        yield from _compare(f"what {principal} may do", actions, allowed)
        everything = {each["Sid"] for each in policy["Statement"] if "*" in each["Resource"]}
        known = {each.sid for each in design.statements if each.edge is None and "*" in each.resources}
        yield from _compare(f"what {principal} may do to everything", everything & known, everything)


def _role(iam: Any, name: str) -> str:
    roles = [role["RoleName"] for page in iam.get_paginator("list_roles").paginate() for role in page["Roles"]]
    found = [role for role in roles if role == name or role in (f"{name}-task", f"{name}-host", f"{name}-hosts")]
    assert len(found) == 1, f"{name} has the roles {found} of {sorted(roles)}"
    return found[0]


def _rules(aws: Cloud, design: Design) -> Iterator[str]:
    """Every connection of the design is a rule, and no other rule lets anybody in."""
    told = aws.client("ec2", design.region).describe_security_group_rules(MaxResults=1000)["SecurityGroupRules"]
    incoming = {each.get("Description", "") for each in told if not each["IsEgress"]}
    wanted = {
        f"{each.source} to {each.target} {each.port}"
        for each in design.connections
        if each.target not in ("internet", "s3", "dynamodb")
    }
    yield from _compare("rules", wanted, {name for name in incoming if " to " in name})


def _routes(aws: Cloud, design: Design) -> Iterator[str]:
    """Every path of the load balancer leads somewhere."""
    balancing = aws.client("elbv2", design.region)
    found = set()
    for balancer in balancing.describe_load_balancers()["LoadBalancers"]:
        for listener in balancing.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"]:
            for rule in balancing.describe_rules(ListenerArn=listener["ListenerArn"])["Rules"]:
                for condition in rule.get("Conditions", []):
                    found.update(condition.get("PathPatternConfig", {}).get("Values", condition.get("Values", [])))
    wanted = {forward.path for balancer in design.of(LoadBalancer) for forward in balancer.forwards}
    yield from _compare(
        "routes", {path for path in wanted if path != "/*"}, {path for path in found if path != "/*"}
    )
