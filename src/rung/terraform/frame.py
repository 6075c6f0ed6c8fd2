"""What frames the parts of a root: Terraform itself with its state and provider, variables, outputs."""

from __future__ import annotations

from collections.abc import Iterator

from rung.parts.compute import Cluster, EcsJob, EcsService, Host, HostGroup, Registry
from rung.parts.design import Design
from rung.parts.edge import Certificate, Distribution, Firewall, LoadBalancer, SitePart
from rung.parts.operations import Alarm, DeployIdentity, Objective, UptimeCheck
from rung.terraform.hcl import Block, Expression, Raw
from rung.terraform.names import output
from rung.terraform.setting import Setting

TERRAFORM, PROVIDER = ">= 1.11", ">= 5.100, < 7"
#: The only region with CloudFront's certificates, firewalls and the metrics of health checks.
EDGE_REGION = "us-east-1"


def terraform(design: Design) -> Iterator[Block]:
    """What plans this, where its state is kept, the account and region, and the tags that everything carries.

    The bucket's name ends in the account's id, which no file here should know.
    """
    provider: Expression = {"source": "hashicorp/aws", "version": PROVIDER}
    state: dict[str, Expression] = {
        "key": f"{design.workload}/{design.environment}.tfstate",
        "region": design.region,
        "encrypt": True,
        "use_lockfile": True,
    }
    note = f"terraform init -backend-config=bucket={design.workload}-state-<account id>   (made by ../bootstrap)"
    yield Block(kind="terraform", attributes={"required_version": TERRAFORM}, blocks=(
        Block(kind="required_providers", attributes={"aws": provider}, short=True),
        Block(kind="backend", labels=("s3",), attributes=state, note=note),
    ))  # fmt: skip
    yield _provider({"region": Raw("local.region")})
    if needs_edge_region(design):
        yield _provider({"alias": "us_east_1", "region": EDGE_REGION})
    known: dict[str, Expression] = {
        "region": design.region,
        "account_id": Raw("data.aws_caller_identity.current.account_id"),
        "tags": {"Workload": design.workload, "Environment": design.environment, "ManagedBy": "terraform"},
    }
    for identity in design.of(DeployIdentity):
        known["runbooks_url"] = f"https://github.com/{identity.repository}/blob/main/runbooks"
    yield Block(kind="locals", attributes=known)
    yield Block(kind="data", labels=("aws_caller_identity", "current"), attributes={})


def needs_edge_region(design: Design) -> bool:
    """Whether something must stand in us-east-1, beside CloudFront."""
    scopes = [part.scope for part in design.of(Certificate)] + [part.scope for part in design.of(Firewall)]
    return bool(design.of(UptimeCheck)) or "CLOUDFRONT" in scopes


def variables(design: Design) -> Iterator[Block]:
    """What a plan is told: which image, and where the runbooks can be read."""
    if design.of(Registry):
        yield _variable("image_tag", "Tag of the workload's image, a commit. The pipeline sets it.")
    watched = any(isinstance(part, Alarm | Objective | UptimeCheck) for part in design.parts)
    if watched and not design.of(DeployIdentity):
        yield _variable("runbooks_url", "Where the folder runbooks/ can be read by whoever is called.")


def outputs(setting: Setting) -> Iterator[Block]:
    """What the pipeline and the runbooks need to know of what was built, as one object."""
    value = {**_deployed(setting), **_addresses(setting.design)}
    description = (
        "What there is to work with: where images go, what runs, which jobs can be started, where it answers."
    )
    yield Block(kind="output", labels=("deployment",), attributes={"description": description, "value": value})


def _deployed(setting: Setting) -> dict[str, Expression]:
    design = setting.design
    found: dict[str, Expression] = {}
    for registry in design.of(Registry):
        found["repository_url"] = output(registry.name, "repository_url")
    for cluster in design.of(Cluster):
        found["cluster"] = output(cluster.name, "name")
    services: list[Expression] = [output(part.name, "service_name") for part in design.of(EcsService)]
    sites: dict[str, Expression] = {part.name: output(part.name, "bucket") for part in design.of(SitePart)}
    jobs: list[Expression] = [output(part.name, "task_family") for part in design.of(EcsJob)]
    found |= {"services": services} if services else {}
    found |= {"jobs": jobs} if jobs else {}
    return found | ({"sites": sites} if sites else {})


def _addresses(design: Design) -> dict[str, Expression]:
    found: dict[str, Expression] = {}
    for front in design.of(Distribution):
        found |= {"distribution": output(front.name, "id"), "address": output(front.name, "domain_name")}
    for balancer in design.of(LoadBalancer):
        found.setdefault("address", output(balancer.name, "dns_name"))
    for host in design.of(Host):
        found["instance"] = output(host.name, "instance_id")
        found.setdefault("address", output(host.name, "public_ip"))
    for group in design.of(HostGroup):
        found["host_group"] = output(group.name, "group_name")
    return found


def _provider(attributes: dict[str, Expression]) -> Block:
    tags = Block(kind="default_tags", attributes={"tags": Raw("local.tags")}, short=True)
    return Block(kind="provider", labels=("aws",), attributes=attributes, blocks=(tags,))


def _variable(name: str, description: str) -> Block:
    attributes: dict[str, Expression] = {"description": description, "type": Raw("string")}
    return Block(kind="variable", labels=(name,), attributes=attributes)
