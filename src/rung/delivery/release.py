"""The release script: one program that `make` and the pipelines call, with the names of every environment."""

from __future__ import annotations

from collections.abc import Mapping

from rung.delivery.names import full_name, module_label, registry_of
from rung.parts.compute import Cluster, EcsJob, EcsService, Host, HostGroup
from rung.parts.data import PostgresInstance
from rung.parts.design import Design
from rung.parts.edge import Distribution, SitePart
from rung.parts.network import Network
from rung.parts.operations import UptimeCheck
from rung.templates import render


def release_files(workload: str, designs: Mapping[str, Design]) -> dict[str, str]:
    """`scripts/release`, executable by its first line."""
    settings = "\n".join(_settings(design) for design in designs.values())
    environments = ", ".join(designs) or "none"
    text = render(
        "rung.delivery", "scripts/release", workload=workload, settings=settings, environments=environments
    )
    return {"scripts/release": text}


def release_secret(design: Design) -> str:
    """The secret that says which tag the machines of an environment run."""
    return full_name(design, "release")


def smoke_url(design: Design) -> str:
    """What is asked from outside after a release: what the uptime check asks, when there is one."""
    for check in design.of(UptimeCheck):
        return f"https://{check.domain}{check.path}"
    return ""


def _settings(design: Design) -> str:
    values = {
        "region": design.region,
        "production": "yes" if design.production else "no",
        "repository": full_name(design, registry_of(design).name),
        "registry_module": module_label(registry_of(design).name),
        "url": smoke_url(design),
        **_tasks(design),
        **_hosts(design),
        **_front(design),
        "databases": _names(design, [part.name for part in design.of(PostgresInstance)]),
    }
    lines = [f"    {name}={_quoted(value)}" for name, value in values.items() if value]
    return "\n".join([f"{design.environment})", *lines, "    ;;"])


def _tasks(design: Design) -> dict[str, str]:
    cluster = next(iter(design.of(Cluster)), None)
    if cluster is None:
        return {}
    jobs = [job.name for job in design.of(EcsJob) if job.on_deploy]
    services = design.of(EcsService)
    network = next(iter(design.of(Network)), Network())
    return {
        "cluster": full_name(design, cluster.name),
        "services": _names(design, [service.name for service in services]),
        "capacity": " ".join(
            f"{full_name(design, each.name)}:{each.min_tasks}:{each.max_tasks}" for each in services
        ),
        "jobs": _names(design, jobs),
        "job_modules": " ".join(module_label(job) for job in jobs),
        "subnets": ",".join(network.existing.private_subnet_ids) if network.existing else "",
        "subnet_names": f"{full_name(design, network.name)}-private-*",
        "log_prefix": "/ecs",
    }


def _hosts(design: Design) -> dict[str, str]:
    values = {"release_secret": release_secret(design), "log_prefix": "/host"}
    for host in design.of(Host):
        return {"hosts": full_name(design, host.name), "host_kind": "single", **values}
    for group in design.of(HostGroup):
        count = str(group.min_hosts)
        return {"hosts": full_name(design, group.name), "host_kind": "group", "host_count": count, **values}
    return {}


def _front(design: Design) -> dict[str, str]:
    sites = " ".join(f"{full_name(design, site.name)}={site.source}" for site in design.of(SitePart))
    distribution = next(iter(design.of(Distribution)), None)
    return {"sites": sites, "distribution": full_name(design, distribution.name) if distribution else ""}


def _names(design: Design, parts: list[str]) -> str:
    return " ".join(full_name(design, part) for part in parts)


def _quoted(value: str) -> str:
    safe = value.replace("-", "").replace("_", "").replace("/", "").replace(".", "").replace(":", "")
    return value if safe.isalnum() else "'" + value.replace("'", "'\\''") + "'"
