"""What every block of a root needs to know of the design: keys, network, and how a module is called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property

from rung.parts.design import Design, Part, PartType
from rung.parts.edge import LoadBalancer
from rung.parts.network import Network
from rung.parts.operations import DeployIdentity, Keys, Notification
from rung.parts.values import Reference
from rung.terraform.hcl import Block, Expression, Raw
from rung.terraform.hcl import expression as written
from rung.terraform.homes import Home, moved
from rung.terraform.library import variables_of
from rung.terraform.names import full_name, label, of_resource, output, sentence

#: The block that tells somebody.
WATCH = "watch"
REGION, ACCOUNT = Raw("local.region"), Raw("local.account_id")
#: CloudFront's certificates, firewalls and metrics exist in this region alone.
EDGE_PROVIDER: Mapping[str, Expression] = {"aws": Raw("aws.us_east_1")}
#: What every part has, and no module has as a variable.
_OURS = ("kind", "name", "node", "why", "existing")


class UnknownVariableError(AssertionError):
    """A block passes what its module does not take, or not what it needs: the two have drifted apart."""


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One design, and the expressions that many of its blocks share."""

    design: Design
    #: What the user data of machines is told, by the name of its place in the template.
    late: Mapping[str, Reference] = field(default_factory=dict)
    #: Parts that share a block, and where their outputs are in it.
    homes: Mapping[str, Home] = field(default_factory=dict)

    @cached_property
    def data_key(self) -> Expression:
        """The key for data; null where the design has no keys of its own."""
        return self._of_only(Keys, "data_key_arn")

    @cached_property
    def log_key(self) -> Expression:
        """The key for logs and topics."""
        return self._of_only(Keys, "log_key_arn")

    @cached_property
    def topic(self) -> Expression:
        """Where alarms go."""
        return output(WATCH, "topic_arn") if self.design.of(Notification) else None

    @property
    def runbooks_url(self) -> Raw:
        """Where runbooks can be read: in the repository that is known, or where whoever plans says."""
        return Raw("local.runbooks_url" if self.design.of(DeployIdentity) else "var.runbooks_url")

    @cached_property
    def network(self) -> Network:
        """The only network."""
        return self.design.of(Network)[0]

    @property
    def vpc(self) -> Expression:
        """The id of the VPC."""
        return output(self.network.name, "vpc_id")

    def output(self, part: str, name: str) -> Expression:
        """The output of a part, wherever its block is; as text where what it is about exists already."""
        return of_resource(self.resource(part, name))

    def resource(self, part: str, name: str) -> Reference | str:
        """The same before it is an expression."""
        known = self.design.there.get((part, name))
        return moved(Reference(part=part, output=name), self.homes) if known is None else known

    def sharing(self, part: Part) -> tuple[Part, ...]:
        """All parts that share the block of `part`, for the first of them; none for the others."""
        home = self.homes[part.name]
        found = self.guests(home.block)
        return found if found[0].name == part.name else ()

    def key(self, part: Part) -> str:
        """What a part is called in the maps of the block that it shares."""
        return self.homes[part.name].key or part.name

    def guests(self, block: str) -> tuple[Part, ...]:
        """The parts that share a block."""
        return tuple(self.design.part(name) for name, each in self.homes.items() if each.block == block)

    @property
    def has_way_out(self) -> bool:
        """Whether what has no public address reaches AWS all the same."""
        return self.network.existing is not None or self.network.nat != "none" or bool(
            self.network.interface_endpoints
        )  # fmt: skip

    def subnets(self, *tiers: str) -> Expression:
        """The subnets of the first of the tiers that the network has."""
        tier = next((each for each in tiers if each in self.network.tiers), self.network.tiers[0])
        return output(self.network.name, f"{tier}_subnet_ids")

    @property
    def compute_subnets(self) -> Expression:
        """Where tasks run: private subnets, or public ones where private ones could not reach AWS."""
        return self.subnets("private", "public") if self.has_way_out else self.subnets("public")

    @property
    def inside(self) -> dict[str, Expression]:
        """Where a database stands: as far inside as the network goes."""
        return {
            "vpc_id": self.vpc,
            "subnet_ids": self.subnets("isolated", "private", "public"),
            "key_arn": self.data_key,
            "log_key_arn": self.log_key,
        }

    @property
    def load_balancer(self) -> LoadBalancer | None:
        """The load balancer, if there is one."""
        return next(iter(self.design.of(LoadBalancer)), None)

    def module(
        self, part: Part, directory: str, words: str, arguments: Mapping[str, Expression], **options: Expression
    ) -> Block:
        """The block that calls a module for a part. `options` are meta-arguments such as `providers`."""
        note = sentence(self.design, part, words)
        return self.call(part.name, directory, note, arguments, **options)

    def call(
        self, name: str, directory: str, note: str, arguments: Mapping[str, Expression], **options: Expression
    ) -> Block:
        """A module's block: arguments in the order of its variables, without those equal to their defaults.

        Raises UnknownVariableError for an argument that the module does not have.
        """
        known = variables_of(directory)
        given = {"name": full_name(self.design, name), **arguments}
        unknown = sorted(set(given) - set(known))
        if unknown:
            raise UnknownVariableError(f"module {directory} of {name} has no variable {', '.join(unknown)}")
        missing = [name for name, variable in known.items() if variable.required and given.get(name) is None]
        if missing:
            raise UnknownVariableError(f"module {directory} of {name} needs {', '.join(missing)}")
        wanted = {
            variable: given[variable]
            for variable in known
            if variable in given and not _is_default(given[variable], known[variable].default)
        }
        attributes: dict[str, Expression] = {"source": f"../modules/{directory}", **options, **wanted}
        return Block(kind="module", labels=(label(name),), attributes=attributes, note=note)

    def _of_only(self, part_type: type[PartType], name: str) -> Expression:
        found = self.design.of(part_type)
        return output(found[0].name, name) if found else None


def literals(part: Part, *left_out: str) -> dict[str, Expression]:
    """The part's own fields as arguments, but for those that wiring replaces."""
    names = [each.name for each in fields(part) if each.name not in (*_OURS, *left_out)]
    return {name: _plain(getattr(part, name)) for name in names}


def _plain(value: Expression) -> Expression:
    return list(value) if isinstance(value, tuple) else value


def _is_default(value: Expression, default: str | None) -> bool:
    return default is not None and written(value) == default
