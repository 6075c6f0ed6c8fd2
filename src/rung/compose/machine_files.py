"""Every file of a machine: where it goes there, with which rights, and its text."""

from __future__ import annotations

from rung.compose.brokers import brokers
from rung.compose.machine import Machine, is_ours
from rung.compose.proxy import proxy_files
from rung.compose.roles import role_steps
from rung.compose.secret_steps import secret_steps
from rung.compose.stack import DATA, OUR_USER, STORE_USER, compose_file
from rung.parts.compute import Host, HostGroup
from rung.templates import render

#: Path on the machine, mode, text.
Placed = dict[str, tuple[str, str, str]]
COMPOSE_VERSION = "v2.40.3"
_DAEMON = """\
{
  "log-driver": "local",
  "log-opts": {"max-size": "20m", "max-file": "5"},
  "live-restore": true,
  "userland-proxy": false,
  "no-new-privileges": true
}
"""
_JOURNAL = "# The journal never fills the disk.\n[Journal]\nSystemMaxUse=200M\nMaxRetentionSec=14day\n"


def machine_files(machine: Machine) -> Placed:
    """By the file's name."""
    folder = machine.folder
    texts: Placed = {
        "compose.yaml": (f"{folder}/compose.yaml", "0644", compose_file(machine)),
        **{name: (f"{folder}/{name}", "0644", text) for name, text in proxy_files(machine).items()},
        "rung.env": ("/etc/rung/rung.env", "0644", _settings(machine)),
        "daemon.json": ("/etc/docker/daemon.json", "0644", _DAEMON),
        "journald.conf": ("/etc/systemd/journald.conf.d/rung.conf", "0644", _JOURNAL),
        "rung-stack.service": _unit(machine, "rung-stack.service"),
    }
    for name in _programs(machine):
        texts[name] = (f"/usr/local/bin/{name}", "0755", _program(machine, name))
    if machine.databases:
        texts["rung-backup.service"] = _unit(machine, "rung-backup.service")
        texts["rung-backup.timer"] = _unit(machine, "rung-backup.timer")
    return texts


def _programs(machine: Machine) -> tuple[str, ...]:
    always = ("rung-install", "rung-secrets", "rung-deploy")
    data = ("rung-grow",) if isinstance(machine.part, Host) else ()
    databases = ("rung-psql", "rung-roles", "rung-backup", "rung-restore") if machine.databases else ()
    return (*always, *data, *databases)


def _program(machine: Machine, name: str) -> str:
    values = {
        "workload": machine.design.workload, "compose_version": COMPOSE_VERSION,
        "packages": _packages(machine), "volume": _volume(machine), "folders": _folders(machine),
        "management": _template("tailscale") if machine.part.management == "tailscale" else "",
        "units": "rung-stack.service" + (" rung-backup.timer" if machine.databases else ""),
        "sites": _sites(machine), "steps": _steps(machine), "secrets": secret_steps(machine),
        "roles": role_steps(machine) if machine.databases else "",
    }  # fmt: skip
    return _template(name, **values)


def _settings(machine: Machine) -> str:
    databases = []
    for stack in machine.databases:
        values = {each.name: str(each.value) for each in stack.container.variables}
        databases.append(f"{stack.name}:{values['POSTGRES_DB']}:{values['POSTGRES_USER']}")
    lines = {
        "WORKLOAD": machine.design.workload, "NAME": machine.name, "REGION": machine.design.region,
        "FOLDER": machine.folder, "RELEASE": machine.release, "DATABASES": f"'{' '.join(databases)}'",
    }  # fmt: skip
    return "# Read by every rung-* program of this machine.\n" + "".join(f"{k}={v}\n" for k, v in lines.items())


def _packages(machine: Machine) -> str:
    names = ["docker", "amazon-ecr-credential-helper", "rsync"]
    if isinstance(machine.part, HostGroup) and _mounts(machine):
        names.append("amazon-efs-utils")
    return f"dnf install --assumeyes {' '.join(names)}"


def _volume(machine: Machine) -> str:
    return _template("volume") if isinstance(machine.part, Host) else ""


def _folders(machine: Machine) -> str:
    """Folders of containers, each owned by the user that it runs as."""
    lines = []
    if isinstance(machine.part, Host):
        stores = [stack.name for stack in (*machine.databases, *(stack for stack, _ in brokers(machine)))]
        lines += [f"install -d -o {STORE_USER} -g {STORE_USER} -m 0700 {DATA}/{name}" for name in stores]
        lines += [
            f"install -d -o {OUR_USER} -g {OUR_USER} -m 0750 {DATA}/files/{name}" for name in _mounts(machine)
        ]
        lines.append(f"install -d -m 0700 {DATA}/proxy; install -d {machine.folder}/sites")
    else:
        if _mounts(machine):
            lines += ["# shellcheck source=/dev/null", f". {machine.folder}/late.env"]
        lines += [_efs_mount(name) for name in _mounts(machine)]
    return "\n".join(lines)


def _efs_mount(name: str) -> str:
    prefix = name.upper().replace("-", "_")
    options = f"_netdev,tls,iam,accesspoint=${{{prefix}_ACCESS_POINT_ID}}"
    return (
        f'install -d /mnt/{name}; grep -q " /mnt/{name} " /etc/fstab || '
        f'echo "${{{prefix}_ID}}:/ /mnt/{name} efs {options} 0 0" >>/etc/fstab; mount /mnt/{name}'
    )


def _mounts(machine: Machine) -> list[str]:
    found = (mount.file_system for stack in machine.part.stacks for mount in stack.container.mounts)
    return list(dict.fromkeys(found))


def _sites(machine: Machine) -> str:
    sites = machine.part.sites if isinstance(machine.part, Host) else ()
    copies = [
        f'docker cp --quiet "$id:/app/{site.source}/." "sites.new/{site.name}" || return 1' for site in sites
    ]
    return _template("sites", copies="\n".join(copies)) if copies else ""


def _steps(machine: Machine) -> str:
    """Databases, roles, migrations, grants, sites: before the processes are replaced."""
    lines: list[str] = []
    stores = [stack.name for stack in machine.part.stacks if stack.role == "store"]
    migrations = [stack.name for stack in machine.part.stacks if stack.role == "migration" and is_ours(stack)]
    if stores:
        lines.append(f"docker compose up --detach --wait --wait-timeout 180 {' '.join(stores)} || return 1")
    if machine.databases:
        lines.append("/usr/local/bin/rung-roles passwords || return 1")
    lines += [f"docker compose run --rm {name} || return 1" for name in migrations]
    if machine.databases:
        lines.append("/usr/local/bin/rung-roles grants || return 1")
    if isinstance(machine.part, Host) and machine.part.sites:
        lines.append('unpack_sites "$1" || return 1')
    return "\n".join(lines)


def _unit(machine: Machine, name: str) -> tuple[str, str, str]:
    hours = machine.part.backup_hours if isinstance(machine.part, Host) else 24
    text = _template(
        name, workload=machine.design.workload, folder=machine.folder, calendar=_calendar(hours)
    )  # fmt: skip
    return f"/etc/systemd/system/{name}", "0644", text


def _calendar(hours: int) -> str:
    if hours >= 24:
        return "*-*-* 02:30:00 UTC"
    return "hourly" if hours == 1 else f"*-*-* 00/{hours}:00:00 UTC"


def _template(name: str, **values: str) -> str:
    return render("rung.compose", name, **values).rstrip("\n") + "\n"
