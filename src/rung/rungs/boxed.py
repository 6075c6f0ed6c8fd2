"""Bindings on a machine that keeps everything itself: names of containers, and secrets as files. Pure.

A container of the box has no role on AWS. Its passwords are made on the machine at the first start and reach it
as a file in PostgreSQL's own format (`PGPASSFILE`), which asyncpg and libpq read. The workload's secrets are
fetched by the machine and reach it as files too.
"""

from __future__ import annotations

from rung.model.edges import Use
from rung.model.nodes import Bus, Cache, Job, Postgres, Queue, Schedule, Secret, Service, Worker, Workflow
from rung.parts.compute import SecretFile
from rung.parts.values import Document, Value
from rung.rungs.brokers import SECRETS_FOLDER, broker_of, fields_of, login_file, place_on_box, used_by
from rung.rungs.reach import CACHE_PORT, POSTGRES_PORT, role_of
from rung.rungs.routers import Router
from rung.rungs.setting import Setting, approval_part

Running = Service | Worker | Schedule | Job | Workflow | Router


def bound(prefix: str, **fields: Value) -> dict[str, Value]:
    """A binding as its environment variable."""
    return {f"RUNG_BINDING_{prefix}": Document(fields=tuple(fields.items()))}


def workers_of(cpu: float) -> int:
    """Processes of a service in one task: one for each whole vCPU, for a Python process uses one."""
    return max(1, int(cpu))


def pool_share(node: Running, database: Postgres, cpu: float) -> int:
    """The connections of one process: a service's several share what its task may open."""
    return max(1, database.pool_size // workers_of(cpu) if isinstance(node, Service) else database.pool_size)


def binding_of(setting: Setting, node: Running, use: Use, cpu: float) -> dict[str, Value] | None:
    """The variables of one use on the box; None for what is the same on every rung."""
    target = setting.graph.node(use.target)
    prefix = target.name.upper().replace("-", "_")
    match target:
        case Postgres():
            url = database_url(setting, target.name, node.name)
            fields = bound(
                prefix, kind="postgres", url=url, pool_size=pool_share(node, target, cpu),
                statement_timeout_seconds=target.statement_timeout_seconds,
                tenant_scoped=target.tenancy is not None and target.tenancy.mode == "rls",
                **({"tenant_map": True} if target.tenancy is not None and target.tenancy.tiers else {}),
            )  # fmt: skip
            return {**fields, f"{prefix}_URL": url, "PGPASSFILE": password_file(node.name).path}
        case Queue():
            return _queue(setting, node, target, prefix)
        case Bus():
            carrier = setting.carrier()
            assert carrier is not None, "a bus on a box has a database for its events"
            days = {} if target.archive_days is None else {"archive_days": target.archive_days}
            place = bound(
                prefix,
                kind="bus",
                url=database_url(setting, carrier.name, node.name),
                region=setting.region,
                **days,
            )
            return place | {"PGPASSFILE": password_file(node.name).path}
        case Workflow():
            carrier = setting.carrier()
            assert carrier is not None, "a workflow has a database for its runs"
            return bound(
                prefix, kind="workflow", url=database_url(setting, carrier.name, node.name),
                deadline_seconds=target.deadline_seconds, approval_key=approval_file(setting).path,
            ) | {"PGPASSFILE": password_file(node.name).path}  # fmt: skip
        case Cache():
            url = f"redis://{target.name}:{CACHE_PORT}/0"
            return {**bound(prefix, kind="cache", url=url), f"{prefix}_URL": url}
        case Secret():
            path = f"{SECRETS_FOLDER}/{target.name}"
            return {**bound(prefix, kind="secret", source="file", path=path), f"{prefix}_FILE": path}
        case _:
            return None


def _queue(setting: Setting, node: Running, queue: Queue, prefix: str) -> dict[str, Value]:
    """A queue in the carrier's tables, or on a broker of its own, which then has its outbox in a database."""
    passwords: dict[str, Value] = {"PGPASSFILE": password_file(node.name).path}
    broker = broker_of(queue)
    if broker is None:
        carrier = setting.carrier()
        assert carrier is not None, "a queue in Postgres has a database"
        url = database_url(setting, carrier.name, node.name)
        return bound(prefix, kind="queue", adapter="postgres", url=url, **fields_of(queue)) | passwords
    outbox = setting.outbox(node.name)
    if outbox is None:
        return bound(prefix, **place_on_box(setting, broker), **fields_of(queue))
    place = place_on_box(setting, broker) | {"outbox_url": database_url(setting, outbox.name, node.name)}
    return bound(prefix, **place, **fields_of(queue)) | passwords


def password_file(process: str) -> SecretFile:
    """The file with the passwords of one process, a line for each database, made on the machine."""
    name = f"{process}-databases"
    return SecretFile(name=name, path=f"{SECRETS_FOLDER}/{name}")


def approval_file(setting: Setting) -> SecretFile:
    """The key that links for approvals are signed with."""
    name = approval_part(setting)
    return SecretFile(name=name, path=f"{SECRETS_FOLDER}/{name}", part=name)


def files_of(setting: Setting, process: str) -> tuple[SecretFile, ...]:
    """The secrets that a process reads from files."""
    databases = any(setting.reaches(process, each.name) for each in setting.graph.of(Postgres))
    targets = dict.fromkeys(edge.target for edge in setting.whole.edges_from(process))
    secrets = (
        SecretFile(name=name, path=f"{SECRETS_FOLDER}/{name}", part=name)
        for name in targets
        if isinstance(setting.graph.by_name.get(name), Secret)
    )
    decides = any(edge.verb == "start" for edge in setting.whole.edges_from(process))
    keys = (approval_file(setting),) if decides else ()
    logins = (login_file(setting, broker) for broker in used_by(setting, process))
    return (*((password_file(process),) if databases else ()), *logins, *secrets, *keys)


def database_url(setting: Setting, database: str, process: str) -> str:
    """A database container, with the role of the process and without its password."""
    name = setting.graph.name.replace("-", "_")
    return f"postgresql://{role_of(setting, process)}@{database}:{POSTGRES_PORT}/{name}?sslmode=disable"
