"""One service of a compose file: what it says, and what kind of thing it is."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from rung.importers.documents import listing, mapping
from rung.importers.reading import command_text, dockerfile_command, exposed_port, health_path, mebibytes

Kind = Literal["postgres", "cache", "bucket", "search", "outside", "dropped", "service", "worker", "job"]
#: Families of images, by a word in the name without registry and tag.
_STORES: dict[str, Kind] = {
    "postgres": "postgres", "postgis": "postgres", "pgvector": "postgres", "timescaledb": "postgres",
    "postgresql": "postgres", "redis": "cache", "valkey": "cache", "keydb": "cache", "redis-stack": "cache",
    "redis-stack-server": "cache", "minio": "bucket", "elasticsearch": "search", "opensearch": "search",
    "meilisearch": "search", "mysql": "outside", "mariadb": "outside", "percona": "outside", "mongo": "outside",
    "mongodb": "outside", "rabbitmq": "outside", "kafka": "outside", "cp-kafka": "outside", "zookeeper": "outside",
    "nats": "outside", "cassandra": "outside", "clickhouse-server": "outside", "memcached": "outside",
    "influxdb": "outside", "neo4j": "outside", "cockroach": "outside", "nginx": "dropped", "traefik": "dropped",
    "caddy": "dropped", "haproxy": "dropped", "httpd": "dropped", "nginx-proxy": "dropped",
    "acme-companion": "dropped", "certbot": "dropped", "adminer": "dropped", "pgadmin4": "dropped",
    "phpmyadmin": "dropped", "mailhog": "dropped", "mailpit": "dropped", "maildev": "dropped", "flower": "dropped",
    "redis-commander": "dropped", "redisinsight": "dropped", "watchtower": "dropped", "portainer-ce": "dropped",
    "localstack": "dropped", "mc": "dropped", "pgbouncer": "dropped", "autoheal": "dropped",
}  # fmt: skip
_PORTS = {"mysql": 3306, "mariadb": 3306, "percona": 3306, "mongo": 27017, "mongodb": 27017, "rabbitmq": 5672,
          "kafka": 9092, "cp-kafka": 9092, "nats": 4222, "elasticsearch": 9200, "opensearch": 9200,
          "memcached": 11211, "meilisearch": 7700, "clickhouse-server": 8123, "wordpress": 80}  # fmt: skip
_WORKER = re.compile(
    r"\b(?:celery|rq|dramatiq|sidekiq|huey|arq|taskiq|huey_consumer|resque|queue:work|horizon|worker|consumer)\b"
)
_ONE_OFF = re.compile(
    r"\b(?:migrate|db upgrade|upgrade head|collectstatic|createsuperuser|loaddata|db:migrate|seed)\b"
)
_SERVES = re.compile(
    r"runserver|gunicorn|uvicorn|hypercorn|daphne|flask .*run|rails s|npm (?:run )?(?:start|dev)|next "
)


@dataclass(slots=True, kw_only=True)
class Service:
    """What a compose service says, read once."""

    name: str
    raw: dict[str, Any]
    image: str
    tag: str
    command: str
    environment: dict[str, str | None]
    depends_on: tuple[str, ...]
    published: bool
    port: int | None
    health: str | None
    memory: int | None
    cpu: float | None
    replicas: int | None
    mounts: tuple[str, ...]
    volumes: dict[str, str] = field(default_factory=dict)
    host: str | None = None
    path: str | None = None

    @property
    def usual_port(self) -> int | None:
        """The port of a well-known image."""
        return _PORTS.get(self.image.rpartition("/")[2]) or (8000 if _SERVES.search(self.command) else None)

    @property
    def is_api(self) -> bool:
        """Whether it is called like the half of an application that a front end calls."""
        return bool(re.search(r"api|backend|server", self.name))

    @property
    def single(self) -> bool:
        """Whether two of it would do everything twice."""
        return bool(re.search(r"\bbeat\b|scheduler|\bcron\b", f"{self.name} {self.command}"))

    @property
    def remark(self) -> str:
        """What a reader should know about it."""
        if self.single:
            return (
                "One at most: a second would start everything twice. `schedule(...)` needs no process of its own."
            )
        return ""


def kind_of(service: Service) -> Kind:
    """What it becomes."""
    base = service.image.rpartition("/")[2]
    if "build" not in service.raw and base in _STORES:
        return _STORES[base]
    if _ONE_OFF.search(service.command) and not _SERVES.search(service.command):
        return "job"
    if service.published or service.host or _SERVES.search(service.command):
        return "service"
    words = service.name.replace("_", "-").replace("-", " ")
    return "worker" if _WORKER.search(f"{words} {service.command}") or service.single else "service"


def processes_first(services: dict[str, Service]) -> list[Service]:
    """Processes in an order in which whatever one calls is declared before it; cycles as the file has them."""
    ordered: list[Service] = []

    def visit(service: Service, above: frozenset[str]) -> None:
        for name in (*service.depends_on, *_named(service, services)):
            if name in services and name not in above:
                visit(services[name], above | {name})
        if service not in ordered and kind_of(service) in ("service", "worker", "job"):
            ordered.append(service)

    for service in services.values():
        visit(service, frozenset({service.name}))
    return ordered


def _named(service: Service, services: dict[str, Service]) -> list[str]:
    texts = " ".join(text or "" for text in service.environment.values())
    return [name for name in services if re.search(rf"//(?:[^@/\s]*@)?{re.escape(name)}[:/]", texts)]


def read_service(name: str, raw: dict[str, Any], folder: Path) -> Service:
    """Everything that a service says, in one form for each way of saying it."""
    image, tag = _image(raw)
    context, dockerfile = _build(raw, folder)
    deploy = mapping(raw.get("deploy"))
    limits = mapping(mapping(deploy.get("resources")).get("limits"))
    published, port = _ports(raw)
    host, path = _labels(raw)
    return Service(
        name=name, raw=raw, image=image, tag=tag, environment=_environment(raw.get("environment")),
        command=command_text(raw.get("entrypoint"), raw.get("command")) or (
            dockerfile_command(context, dockerfile) if "build" in raw else ""),
        depends_on=_depends(raw), published=published,
        port=port or (exposed_port(context, dockerfile) if "build" in raw else None),
        health=health_path(mapping(raw.get("healthcheck")).get("test")),
        memory=mebibytes(raw.get("mem_limit") or limits.get("memory") or ""),
        cpu=_number(raw.get("cpus") or limits.get("cpus")),
        replicas=_whole(deploy.get("replicas", raw.get("scale"))),
        mounts=tuple(_source(each) for each in listing(raw.get("volumes"))), volumes=_volumes(raw),
        host=host, path=path,
    )  # fmt: skip


def _image(raw: dict[str, Any]) -> tuple[str, str]:
    text = re.sub(r"\$\{\w+:?-([^}]*)\}", r"\1", str(raw.get("image") or ""))
    name, _, tag = text.partition("@")[0].rpartition(":") if ":" in text.rpartition("/")[2] else (text, "", "")
    return (name or text), tag


def _build(raw: dict[str, Any], folder: Path) -> tuple[Path, str]:
    build = raw.get("build")
    if isinstance(build, dict):
        return folder / str(build.get("context") or "."), str(build.get("dockerfile") or "Dockerfile")
    return folder / str(build or "."), "Dockerfile"


def _environment(value: object) -> dict[str, str | None]:
    if isinstance(value, dict):
        return {str(key): None if each is None else _plain(each) for key, each in value.items()}
    found: dict[str, str | None] = {}
    for each in listing(value):
        name, sign, text = str(each).partition("=")
        found[name] = _plain(text) if sign else None
    return found


def _plain(value: object) -> str:
    """A value with its defaults filled in: `${NAME:-default}`. YAML's booleans as people write them."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return re.sub(r"\$\{\w+:?-([^}]*)\}", r"\1", str(value)).replace("$$", "$")


def _depends(raw: dict[str, Any]) -> tuple[str, ...]:
    wanted = raw.get("depends_on")
    names = list(wanted) if isinstance(wanted, dict) else listing(wanted)
    links = [str(each).partition(":")[0] for each in listing(raw.get("links"))]
    return tuple(dict.fromkeys([*(str(each) for each in names), *links]))


def _ports(raw: dict[str, Any]) -> tuple[bool, int | None]:
    published = listing(raw.get("ports"))
    for each in (*published, *listing(raw.get("expose"))):
        text = str(each.get("target", "")) if isinstance(each, dict) else str(each).rpartition(":")[2]
        number = text.partition("/")[0].partition("-")[0]
        if number.isdigit() and 0 < int(number) < 65_536:
            return bool(published), int(number)
    return bool(published), None


def _labels(raw: dict[str, Any]) -> tuple[str | None, str | None]:
    """Host and path of Traefik's labels."""
    labels = raw.get("labels")
    texts = [f"{key}={each}" for key, each in labels.items()] if isinstance(labels, dict) else listing(labels)
    rules = " ".join(str(each) for each in texts if ".rule=" in str(each))
    host = re.search(r"Host\(`([\w.-]+)`", rules)
    path = re.search(r"PathPrefix\(`(/[^`*]*)`", rules)
    return (host[1] if host else None), (f"{path[1].rstrip('/')}/*" if path else None)


def _source(each: object) -> str:
    return str(each.get("source", "")) if isinstance(each, dict) else str(each).partition(":")[0]


def _volumes(raw: dict[str, Any]) -> dict[str, str]:
    """Named volumes and where they are mounted."""
    found: dict[str, str] = {}
    for each in listing(raw.get("volumes")):
        if isinstance(each, dict):
            source, target = str(each.get("source") or ""), str(each.get("target") or "")
        else:
            source, _, rest = str(each).partition(":")
            target = rest.partition(":")[0]
        if re.fullmatch(r"[\w-][\w.-]*", source) and target.startswith("/"):
            found[source] = target
    return found


def _number(value: object) -> float | None:
    try:
        number = float(str(value))
    except ValueError:
        return None
    return number if 0 < number <= 64 else None


def _whole(value: object) -> int | None:
    text = str(value)
    return int(text) if text.isdigit() and 0 < int(text) <= 1_000 else None
