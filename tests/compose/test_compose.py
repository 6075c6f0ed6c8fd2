"""The files of machines fit the schemas and tools that judge them, and hold what the design promises."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from rung.compose import files, late_values
from rung.compose.values import text_of
from rung.compose.yaml import document
from rung.model.graph import Graph
from rung.parts.compute import HostGroup
from rung.parts.design import Design
from rung.parts.values import Document, Reference, Sequence
from rung.rungs import place

RUNGS = ("box", "host")
Machines = dict[str, dict[str, str]]
#: Debian's package `cloud-init` carries it; `.ci/run` unpacks it (scripts/cloud-init-schema).
SCHEMA = Path(__file__).parents[2] / ".tools/cloud-init/schema-cloud-config-v1.json"


def tool(name: str, *arguments: object) -> None:
    program = Path(sys.executable).parent / name
    done = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def compose(machines: Machines, rung: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(machines[rung]["compose.yaml"])
    return loaded


def filled(template: str, values: Mapping[str, str]) -> str:
    """What Terraform's `templatefile` makes of it."""

    def value(place: re.Match[str]) -> str:
        return place[0][1:] if place[0].startswith(("$$", "%%")) else values[place[1]]

    return re.sub(r"\$\$\{|%%\{|\$\{(\w+)\}", value, template)


def user_data(machines: Machines, design: Design) -> dict[str, Any]:
    values = {name: f"value-of-{name}" for name in late_values(design)}
    text = filled(machines[design.rung]["user-data.tftpl"], values)
    assert text.startswith("#cloud-config\n")
    loaded: dict[str, Any] = yaml.safe_load(text)
    return loaded


@pytest.mark.parametrize("rung", RUNGS)
def test_the_compose_file_fits_its_schema(machines: Machines, tmp_path: Path, rung: str) -> None:
    file = tmp_path / "compose.yaml"
    file.write_text(machines[rung]["compose.yaml"])
    tool("check-jsonschema", "--builtin-schema", "vendor.compose-spec", file)


@pytest.mark.parametrize("rung", RUNGS)
def test_shellcheck_finds_nothing(machines: Machines, tmp_path: Path, rung: str) -> None:
    programs = [name for name, text in machines[rung].items() if text.startswith("#!")]
    assert {"rung-install", "rung-secrets", "rung-deploy"} <= set(programs)
    for name in programs:
        (tmp_path / name).write_text(machines[rung][name])
    tool("shellcheck", *(tmp_path / name for name in programs))


@pytest.mark.parametrize("rung", RUNGS)
def test_every_container_is_confined(machines: Machines, rung: str) -> None:
    for name, service in compose(machines, rung)["services"].items():
        assert service["mem_limit"], name
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["logging"]["driver"] == "awslogs", name
        assert "healthcheck" in service, name
        assert "docker.sock" not in str(service.get("volumes")), name


@pytest.mark.parametrize("rung", RUNGS)
def test_only_the_proxy_has_a_port_of_the_machine(machines: Machines, rung: str) -> None:
    services = compose(machines, rung)["services"]
    assert [name for name, service in services.items() if "ports" in service] == ["proxy"]


def test_databases_have_no_way_out_and_the_proxy_no_way_to_them(machines: Machines) -> None:
    loaded = compose(machines, "box")
    assert loaded["networks"]["private"]["internal"] is True
    assert loaded["services"]["db"]["networks"] == ["private"]
    assert loaded["services"]["cache"]["networks"] == ["private"]
    assert loaded["services"]["proxy"]["networks"] == ["public"]
    assert loaded["services"]["mail"]["networks"] == ["private", "outbound"]


@pytest.mark.parametrize("rung", RUNGS)
def test_processes_are_not_root_and_hold_no_secret(machines: Machines, rung: str) -> None:
    for name in ("api", "admin", "mail"):
        service = compose(machines, rung)["services"][name]
        assert service["user"] == "10001:10001"
        assert not re.search(r"://[^@/\"]*:[^@/\"]+@|[Pp]assword\"", str(service["environment"])), name


def test_a_container_sees_its_own_secrets_only(machines: Machines) -> None:
    services = compose(machines, "box")["services"]
    assert services["api"]["secrets"] == ["api-databases", "session-key"]
    assert services["mail"]["secrets"] == ["mail-databases"]
    assert "secrets" not in services["proxy"]


def test_the_database_is_tuned_to_its_memory_and_keeps_its_data_on_the_volume(machines: Machines) -> None:
    db = compose(machines, "box")["services"]["db"]
    limit = int(db["mem_limit"].removesuffix("m"))
    assert f"shared_buffers={limit // 4}MB" in db["command"]
    assert db["volumes"] == ["/var/lib/rung/db:/var/lib/postgresql"]
    assert db["environment"]["PGDATA"].startswith("/var/lib/postgresql/")
    assert db["image"] == "pgvector/pgvector:pg17", "the workload asked for vectors"


def test_replicas_volumes_and_profiles(machines: Machines) -> None:
    services = compose(machines, "box")["services"]
    assert services["mail"]["deploy"] == {"replicas": 2}
    assert services["api"]["volumes"] == ["/var/lib/rung/files/uploads:/uploads"]
    assert services["seed"]["profiles"] == ["job"]
    assert services["db-migrate"]["profiles"] == ["migration"]
    assert compose(machines, "host")["services"]["api"]["volumes"] == ["/mnt/uploads:/uploads"]


def test_a_health_check_asks_each_service_its_own_question(machines: Machines) -> None:
    services = compose(machines, "box")["services"]
    assert "http://127.0.0.1:9000/ok" in services["admin"]["healthcheck"]["test"][3]
    assert services["mail"]["healthcheck"] == {"disable": True}


def test_a_box_ends_tls_itself_and_the_most_specific_route_wins(machines: Machines) -> None:
    text = machines["box"]["Caddyfile"]
    assert "dev.example.com {" in text
    assert "email oncall@example.com" in text
    own = text[text.index("dev.example.com {") :]
    assert own.index("handle /api/* {") < own.index("handle {")
    other = text[text.index("admin.example.com {") :]
    assert "dynamic a admin 9000" in other.split("\n}")[0]
    assert "try_files {path} /index.html" in own


def test_a_host_routes_without_tls_and_without_dockers_socket(machines: Machines) -> None:
    routes = yaml.safe_load(machines["host"]["routes.yaml"])["http"]
    rules = sorted(routes["routers"].values(), key=lambda router: -router["priority"])
    assert rules[0]["rule"] == "Host(`admin.example.com`) && PathPrefix(`/`)"
    assert rules[1]["rule"] == "PathPrefix(`/api/`)"
    assert routes["services"]["admin"]["loadBalancer"]["servers"] == [{"url": "http://admin:9000"}]
    command = compose(machines, "host")["services"]["proxy"]["command"]
    assert "--providers.file.filename=/etc/traefik/routes.yaml" in command
    assert not [word for word in command if "docker" in word or "acme" in word]


@pytest.mark.parametrize("rung", RUNGS)
def test_user_data_fits_cloud_inits_schema(machines: Machines, box: Design, host: Design, rung: str) -> None:
    if not SCHEMA.is_file():
        pytest.skip("cloud-init's schema is not here: scripts/cloud-init-schema fetches it")
    jsonschema.validate(user_data(machines, box if rung == "box" else host), json.loads(SCHEMA.read_text()))


@pytest.mark.parametrize("rung", RUNGS)
def test_user_data_carries_every_file_unchanged(machines: Machines, box: Design, host: Design, rung: str) -> None:
    written = {
        Path(each["path"]).name: each
        for each in user_data(machines, box if rung == "box" else host)["write_files"]
    }
    for name, text in machines[rung].items():
        if name not in ("user-data.tftpl", "journald.conf"):
            assert written[name]["content"] == text, name
    assert written["rung-deploy"]["permissions"] == "0755"
    assert written["rung.conf"]["content"] == machines[rung]["journald.conf"]


@pytest.mark.parametrize("rung", RUNGS)
def test_user_data_is_small_enough_for_ec2(machines: Machines, rung: str) -> None:
    import gzip

    assert len(gzip.compress(machines[rung]["user-data.tftpl"].encode())) < 14_000


@pytest.mark.parametrize("rung", RUNGS)
def test_everything_late_that_compose_asks_for_is_filled_in(
    machines: Machines, box: Design, host: Design, rung: str
) -> None:
    asked = set(re.findall(r"(?<!\$)\$\{([A-Z_]+)[:}]", machines[rung]["compose.yaml"])) - {"IMAGE_TAG"}
    asked |= set(re.findall(r'"\$([A-Z_]+_ARN)"', machines[rung]["rung-secrets"]))
    assert asked <= {name.upper() for name in late_values(box if rung == "box" else host)}


def test_every_secret_is_made_or_fetched(machines: Machines) -> None:
    steps = machines["box"]["rung-secrets"]
    for name in compose(machines, "box")["secrets"]:
        assert re.search(rf"(?m)^(?:fetch|passwords) {name} |place {name} ", steps), name
    assert "passwords api-databases 10001 db:5432:shop:shop_api" in steps
    assert "fetch session-key 10001" in steps


def test_roles_get_what_the_graph_gives_them(machines: Machines) -> None:
    roles = machines["box"]["rung-roles"]
    assert "grants shop_owner shop_admin public 'SELECT'" in roles
    assert re.search(r"grants shop_owner shop_api public 'SELECT, .*DELETE'", roles)
    assert not re.search(r"passwords .*shop_owner.* \| sql", roles), "the owner's password is the server's"


def test_a_release_prepares_before_it_replaces(machines: Machines) -> None:
    deploy = machines["box"]["rung-deploy"]
    steps = ["up --detach --wait --wait-timeout 180 db cache", "rung-roles passwords", "run --rm db-migrate",
             "rung-roles grants", "unpack_sites \"$1\"", "--remove-orphans"]  # fmt: skip
    positions = [deploy.index(step) for step in steps]
    assert positions == sorted(positions)


def test_backups_follow_the_hours_of_the_environment(machines: Machines, graph: Graph) -> None:
    assert "OnCalendar=*-*-* 02:30:00 UTC" in machines["box"]["rung-backup.timer"]
    assert "rung-backup.timer" not in machines["host"], "RDS backs itself up"


def test_options_of_a_host(graph: Graph, host: Design) -> None:
    from dataclasses import replace

    group = next(part for part in host.parts if isinstance(part, HostGroup))
    changed = replace(group, portainer=True, management="tailscale")
    design = replace(host, parts=tuple(changed if part is group else part for part in host.parts))
    made = {Path(name).name: text for name, text in files(design, graph).items()}
    assert yaml.safe_load(made["compose.yaml"])["services"]["portainer"]["ports"] == ["127.0.0.1:9443:9443"]
    assert "tailscale up --auth-key=file:/run/rung/secrets/tailscale-key" in made["rung-install"]
    assert 'fetch tailscale-key 0 "$TAILSCALE_KEY_ARN"' in made["rung-secrets"]
    assert "tailscale_key_arn" in late_values(design)


def test_a_design_without_machines_has_no_files(graph: Graph) -> None:
    design = place(graph, "staging", rung="fargate")
    assert files(design, graph) == {}
    assert dict(late_values(design)) == {}


def test_values_survive_compose_and_yaml() -> None:
    value = Document(fields=(
        ("url", Reference(part="orders-a", output="url", prefix="x$", suffix="/0")),
        ("lanes", Sequence(items=("a", 'quo"te'))), ("count", 5), ("on", True),
    ))  # fmt: skip
    text = yaml.safe_load(document({"value": text_of(value)}))["value"]
    interpolated = text.replace("${ORDERS_A_URL}", "https://q").replace("$$", "$")
    assert json.loads(interpolated) == {"url": "x$https://q/0", "lanes": ["a", 'quo"te'], "count": 5, "on": True}


@pytest.mark.parametrize(
    "value",
    [
        "yes",
        "5432",
        "1.5",
        "2026-01-01",
        "a: b",
        "# no comment",
        "",
        " padded ",
        "null",
        "{{.ID}}",
        "*star",
        "a\nb\n",
        "-x",
    ],
)
def test_texts_stay_texts(value: str) -> None:
    assert yaml.safe_load(document({"key": value, "list": [value], "inner": {"a": [{"b": value}]}})) == {
        "key": value, "list": [value], "inner": {"a": [{"b": value}]}
    }  # fmt: skip
