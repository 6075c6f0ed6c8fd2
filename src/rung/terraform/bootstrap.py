"""The root that comes before all others: the bucket for states, and the roles that the pipeline assumes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rung.parts.design import Design
from rung.parts.messaging import RabbitBroker
from rung.parts.operations import DeployIdentity
from rung.terraform import readme
from rung.terraform.frame import PROVIDER, TERRAFORM
from rung.terraform.hcl import Block, Expression, Raw, document


def bootstrap(designs: Mapping[str, Design]) -> dict[str, str]:
    """The files of `infra/bootstrap/`. Applied once by a person, before the bucket is there."""
    first = next(iter(designs.values()))
    return {"main.tf": document(_blocks(first, designs)), "README.md": readme.bootstrap(first, tuple(designs))}


def _blocks(first: Design, designs: Mapping[str, Design]) -> Iterator[Block]:
    provider: Expression = {"source": "hashicorp/aws", "version": PROVIDER}
    inner = Block(kind="required_providers", attributes={"aws": provider})
    yield Block(kind="terraform", attributes={"required_version": TERRAFORM}, blocks=(inner,))
    tags = Block(kind="default_tags", attributes={"tags": {"Workload": first.workload, "ManagedBy": "terraform"}})
    yield Block(kind="provider", labels=("aws",), attributes={"region": first.region}, blocks=(tags,))
    yield Block(kind="data", labels=("aws_caller_identity", "current"), attributes={})
    yield _state(first)
    identities = [(name, each) for name, design in designs.items() for each in design.of(DeployIdentity)]
    for name, identity in identities:
        yield _identity(name, designs[name], identity, maker=identities[0][0])
    yield _output(
        "state_bucket",
        "What every environment's init is told: -backend-config=bucket=<this>.",
        "module.state.bucket",
    )
    for name, _ in identities:
        for role, user in (("plan", "pull requests"), ("apply", f"the environment {name}")):
            output = f"{name}_{role}_role_arn".replace("-", "_")
            yield _output(output, f"The role of {user}.", f"module.{_label(name)}.{role}_role_arn")


def _state(design: Design) -> Block:
    account = Raw("data.aws_caller_identity.current.account_id")
    attributes: dict[str, Expression] = {
        "source": "../modules/state", "name": f"{design.workload}-state", "account_id": account,
    }  # fmt: skip
    note = "Where the states are kept, every version of them for three months"
    return Block(kind="module", labels=("state",), attributes=attributes, note=note)


def _identity(environment: str, design: Design, part: DeployIdentity, *, maker: str) -> Block:
    """The roles of one environment. An account has one provider for GitHub's tokens: `maker` makes it."""
    workload = design.workload
    attributes: dict[str, Expression] = {
        "source": "../modules/deploy_identity",
        "name": f"{workload}-{environment}-{part.name}",
        "account_id": Raw("data.aws_caller_identity.current.account_id"),
        "region": design.region,
        "repository": part.repository,
        "environment": environment,
        "role_prefix": f"{workload}-{environment}-",
        "state_bucket_arn": Raw("module.state.bucket_arn"),
        "state_key_arn": Raw("module.state.key_arn"),
        "state_object": f"{workload}/{environment}.tfstate",
        # The nightly look for what was changed by hand runs on the main branch.
        "plan_branches": ["main"],
    }
    if environment != maker:
        attributes |= {"own_provider": False, "provider_arn": Raw(f"module.{_label(maker)}.provider_arn")}
    if design.of(RabbitBroker):
        attributes["further_services"] = ["cloudformation", "mq"]
    if part.owner_id and part.repository_id:
        attributes |= {"owner_id": part.owner_id, "repository_id": part.repository_id}
    note = f"What the pipeline may do in {environment}: plan from pull requests, apply from its environment"
    return Block(kind="module", labels=(_label(environment),), attributes=attributes, note=note)


def _label(environment: str) -> str:
    return f"deploy_{environment.replace('-', '_')}"


def _output(name: str, description: str, value: str) -> Block:
    return Block(kind="output", labels=(name,), attributes={"description": description, "value": Raw(value)})
