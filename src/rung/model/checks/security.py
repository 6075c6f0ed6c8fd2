"""Ways in and out: egress, secrets, tenants, what stands open."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import ip_address, ip_network

from rung.errors import Finding
from rung.model.checks.report import label, problem
from rung.model.graph import Graph
from rung.model.nodes import Bucket, External, Job, Postgres, Schedule, Secret, Service, Worker

#: The longest time after which a secret should have been changed.
ROTATE_DAYS = 90
_SECRET_NAME = re.compile(
    r"(?:^|_)(?:SECRET|PASSWORD|PASSWD|TOKEN|API_?KEY|PRIVATE_?KEY|CREDENTIALS?)(?:_|$)", re.IGNORECASE
)
_SECRET_VALUE = re.compile(
    r"sk_live_|sk_test_|rk_live_|whsec_|AKIA[0-9A-Z]{12}|gh[pousr]_[A-Za-z0-9]{20}|xox[abps]-|-----BEGIN"
    r"|://[^/\s:@]+:[^/\s:@]+@"
)
_OWN_VARIABLES = frozenset({"DATABASE_URL", "REDIS_URL", "PORT"})
_METADATA = ("169.254.169.254", "169.254.170.2", "fd00:ec2::254", "metadata.google.internal")


def open_egress(graph: Graph) -> Iterator[Finding]:
    """R0131: a host that stands for any host."""
    for external in graph.of(External):
        if _is_open(external.host):
            yield problem(
                graph, "R0131", external.name, f'external "{external.host}" opens the way to any host',
                found=f"host {external.host!r}",
                effect="a process that is broken into can send data, or attacks, anywhere",
                advice="name each host that is really called, one external for each",
            )  # fmt: skip


def no_port(graph: Graph) -> Iterator[Finding]:
    """R0132: an allowed host without a port opens all 65,535 of them."""
    for external in graph.of(External):
        if external.port is None:
            yield problem(
                graph, "R0132", external.name, f'external "{external.host}" has no port', found="port is not set",
                effect="the rule that lets processes reach it would have to open every port",
                advice="add port=443 for HTTPS, or the port it really listens on",
            )  # fmt: skip


def never_rotated(graph: Graph) -> Iterator[Finding]:
    """R0133: a secret that nobody changes, or too seldom."""
    for secret in graph.of(Secret):
        if secret.rotate_days is None or secret.rotate_days > ROTATE_DAYS:
            days = "never" if secret.rotate_days is None else f"every {secret.rotate_days} days"
            yield problem(
                graph, "R0133", secret.name, f"{label(secret)} is rotated {days}", severity="warning",
                found=f"rotate_days={secret.rotate_days}",
                effect="whoever has ever seen it can use it, for as long as it stays",
                advice=f"add rotate_days={ROTATE_DAYS}, or fewer: a reminder where rotation is by hand",
            )  # fmt: skip


def secret_in_a_variable(graph: Graph) -> Iterator[Finding]:
    """R0134: a plain variable that is named, or looks, like a secret. The value is never shown."""
    for node in _with_variables(graph):
        for variable in node.variables:
            if _SECRET_VALUE.search(variable.value) or (_SECRET_NAME.search(variable.name) and variable.value):
                yield problem(
                    graph, "R0134", node.name, f'the variable "{variable.name}" of {label(node)} holds a secret',
                    found=f"{variable.name}=***",
                    effect="whoever may list tasks, read the plan or see the repository can read it",
                    advice="declare it with secret(...), name it in uses, and read it with "
                    "rung.runtime.secret(...)",
                )  # fmt: skip


def shadows_a_binding(graph: Graph) -> Iterator[Finding]:
    """R0135: a plain variable with a name that bindings use."""
    for node in _with_variables(graph):
        for variable in node.variables:
            if variable.name in _OWN_VARIABLES or variable.name.startswith("RUNG_"):
                yield problem(
                    graph, "R0135", node.name, f'the variable "{variable.name}" of {label(node)} belongs to rung',
                    found="it is set from the graph on every rung",
                    effect="the process would reach something else than the graph says, or the value is ignored",
                    advice="choose another name, or drop the line and name the store in uses",
                )  # fmt: skip


def metadata_address(graph: Graph) -> Iterator[Finding]:
    """R0136: the address that hands out the machine's own credentials, or one inside the network."""
    for external in graph.of(External):
        if external.host.lower().strip("[]") in _METADATA or _is_inside(external.host):
            metadata = external.host.lower().strip("[]") in _METADATA
            yield problem(
                graph, "R0136", external.name, f'external "{external.host}" is not outside',
                found="the instance metadata address" if metadata else "an address of a private network",
                effect="requests forged through the application could read credentials or reach internal systems",
                advice="name public hosts only; what is inside the workload is a service or a store",
            )  # fmt: skip


def tenants_unprotected(graph: Graph) -> Iterator[Finding]:
    """R0137: tables with a tenant's column, and no word on how tenants are kept apart."""
    for database in graph.of(Postgres):
        columns = [column for column in graph.tenant_columns if column.database == database.name]
        if columns and database.tenancy is None:
            shown = [f'"{column.table}"' for column in columns[:4]]
            tables = ", ".join([*shown, *(["..."] if len(columns) > len(shown) else [])])
            yield problem(
                graph, "R0137", database.name, f"{label(database)} has tables of tenants and no tenancy",
                found=f"{len(columns)} with a column {columns[0].column}: {tables}",
                effect="one forgotten WHERE shows a tenant the rows of another, and nothing would notice",
                advice=f'add tenancy=rls("{columns[0].column}"), or tenancy=single_tenant() if there is only one',
            )  # fmt: skip


def tenancy_without_tables(graph: Graph) -> Iterator[Finding]:
    """R0138: row-level security on a column that no table has."""
    for database in graph.of(Postgres):
        tenancy = database.tenancy
        columns = [column for column in graph.tenant_columns if column.database == database.name]
        if tenancy is not None and tenancy.mode == "rls" and database.migrations is not None and not columns:
            yield problem(
                graph, "R0138", database.name, f'no table of {label(database)} has the column "{tenancy.column}"',
                found=f"tenancy rls on {tenancy.column!r}, 0 tables with it in {database.migrations!r}",
                effect="row-level security protects no row at all",
                advice="mend the name of the column, or add it to the tables that belong to tenants",
            )  # fmt: skip


def stands_open(graph: Graph) -> Iterator[Finding]:
    """R0139: a store that the internet can reach."""
    for node in graph.nodes:
        if isinstance(node, Postgres | Bucket) and node.public:
            yield problem(
                graph, "R0139", node.name, f"{label(node)} is open to the internet", found="public=True",
                effect="its only protection is that nobody guesses or leaks a password or a key",
                advice="drop public=True; serve files through a site or a service, reach databases "
                "through a tunnel",
            )  # fmt: skip


CHECKS = (
    open_egress, no_port, never_rotated, secret_in_a_variable, shadows_a_binding, metadata_address,
    tenants_unprotected, tenancy_without_tables, stands_open,
)  # fmt: skip


def _with_variables(graph: Graph) -> Iterator[Service | Worker | Schedule | Job]:
    return (node for node in graph.nodes if isinstance(node, Service | Worker | Schedule | Job))


def _is_open(host: str) -> bool:
    if host.strip() in ("", "*", "0.0.0.0", "::"):  # noqa: S104 - compared with, not bound to
        return True
    if "/" in host:
        try:
            return ip_network(host, strict=False).num_addresses > 65_536
        except ValueError:
            return False
    return host.startswith("*.") and host.count(".") < 2


def _is_inside(host: str) -> bool:
    try:
        return not ip_address(host.strip("[]")).is_global
    except ValueError:
        return host == "localhost" or host.endswith((".internal", ".local"))
