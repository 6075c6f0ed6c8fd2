"""Programs that are not rung's get URLs that work: secrets of AWS and password files, put in before they start."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest
from tests.aws.emulator import Emulator

from rung import Workload
from rung.parts.compute import EcsJob, EcsService, Host, HostGroup
from rung.rungs import place
from rung.runtime.bindings import CacheBinding, PostgresBinding, SecretBinding, encode, variable_name
from rung.runtime.errors import BindingError
from rung.runtime.start import cache_url, database_url, urls_of

PASSWORD = "p@ss/w:ord%?#é"
ASK = (
    "import asyncio, asyncpg, os\n"
    "async def ask():\n"
    "    connection = await asyncpg.connect(os.environ['DATABASE_URL'])\n"
    "    same = os.environ['DB_URL'] == os.environ['DATABASE_URL']\n"
    "    key = open(os.environ['STRIPE_KEY_FILE']).read()\n"
    "    print(await connection.fetchval('select current_user'), same, os.getpid(), key)\n"
    "asyncio.run(ask())\n"
)


@pytest.fixture
async def role(postgres_url: str) -> AsyncIterator[str]:
    """A role with a password that no URL takes as it is."""
    connection = await asyncpg.connect(postgres_url)
    name = f"tea_api_{os.getpid()}"
    await connection.execute(f"drop role if exists {name}")
    await connection.execute(f"create role {name} login password '{PASSWORD}'")
    yield name
    await connection.execute(f"drop role {name}")
    await connection.close()


def stored(aws: Emulator, name: str, text: str) -> str:
    arn: str = aws.client("secretsmanager").create_secret(Name=name, SecretString=text)["ARN"]
    return arn


def without_login(url: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


async def test_a_program_finds_its_database_and_keeps_its_place(
    aws: Emulator, role: str, postgres_url: str
) -> None:
    login = stored(aws, f"login-{role}", json.dumps({"username": role, "password": PASSWORD}))
    key = stored(aws, f"key-{role}", "sk_test_1")
    environment = {
        **os.environ, **aws.environment(),
        variable_name("db"): encode(PostgresBinding(url=without_login(postgres_url), credentials_secret=login)),
        variable_name("stripe-key"): encode(SecretBinding(source="secretsmanager", arn=key)),
        variable_name("events"): json.dumps({"kind": "bus", "name": "events"}),
    }  # fmt: skip
    words = ["-m", "rung.runtime.start", "--database", "db", "--", sys.executable, "-c", ASK]
    process = await asyncio.create_subprocess_exec(sys.executable, *words, env=environment, stdout=subprocess.PIPE)
    output, _ = await process.communicate()
    assert process.returncode == 0
    assert output.decode().split() == [role, "True", str(process.pid), "sk_test_1"]


@pytest.mark.parametrize(("words", "status"), [(["sh", "-c", "exit 7"], 7), (["no-such-program"], 127)])
def test_the_exit_status_is_the_programs(words: list[str], status: int) -> None:
    command = [sys.executable, "-m", "rung.runtime.start", "--", *words]
    assert subprocess.run(command, capture_output=True, check=False).returncode == status


def test_a_secret_that_cannot_be_read_starts_nothing(aws: Emulator, tmp_path: Path) -> None:
    arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:none-AbCdEf"
    binding = encode(PostgresBinding(url="postgresql://h/d", credentials_secret=arn))
    environment = {**os.environ, **aws.environment(), variable_name("db"): binding}
    command = [sys.executable, "-m", "rung.runtime.start", "--", "touch", str(tmp_path / "ran")]
    assert subprocess.run(command, env=environment, capture_output=True, check=False).returncode == 1
    assert not (tmp_path / "ran").exists()


async def test_on_a_machine_the_password_comes_from_its_file(role: str, postgres_url: str, tmp_path: Path) -> None:
    parts = urlsplit(postgres_url)
    file = tmp_path / "passwords"
    password = PASSWORD.replace("\\", "\\\\").replace(":", "\\:")
    file.write_text(f"elsewhere:*:*:*:x\n{parts.hostname}:{parts.port}:{parts.path[1:]}:{role}:{password}\n")
    url = f"postgresql://{role}@{parts.hostname}:{parts.port}{parts.path}?sslmode=disable"
    told = database_url(PostgresBinding(url=url), {"PGPASSFILE": str(file)})
    connection = await asyncpg.connect(told)
    assert await connection.fetchval("select current_user") == role
    await connection.close()
    with pytest.raises(BindingError, match="no line"):
        database_url(PostgresBinding(url=url.replace(role, "other")), {"PGPASSFILE": str(file)})


def test_the_server_is_checked_by_the_authorities_of_the_image() -> None:
    url = "postgresql://api:x@db.example.com:5432/tea?sslmode=verify-full"
    told = database_url(PostgresBinding(url=url), {"RUNG_CA_BUNDLE": "/etc/ssl/rds.pem"})
    assert told == f"{url}&sslrootcert=/etc/ssl/rds.pem"
    assert database_url(PostgresBinding(url=url), {}) == url


def test_caches_with_a_password_have_a_url_and_those_with_a_role_none(aws: Emulator) -> None:
    arn = stored(aws, f"cache-{os.getpid()}", json.dumps({"username": "a", "password": "b/c"}))
    assert cache_url(CacheBinding(url="rediss://h:6379/0", credentials_secret=arn)) == "rediss://a:b%2Fc@h:6379/0"
    token = stored(aws, f"token-{os.getpid()}", json.dumps({"auth_token": "t"}))
    assert cache_url(CacheBinding(url="rediss://h:6379/0", credentials_secret=token)) == "rediss://:t@h:6379/0"
    assert cache_url(CacheBinding(url="redis://h:6379/0")) == "redis://h:6379/0"
    by_role = CacheBinding(url="rediss://h:6379/0", user="u", replication_group="g", region="r")
    assert urls_of({variable_name("cache"): encode(by_role)}) == {}


@pytest.mark.parametrize("rung", ["fargate", "host", "box"])
def test_every_rung_puts_it_before_programs_that_are_not_rungs(rung: str) -> None:
    work = Workload("tea")
    db, cache = work.postgres("db"), work.cache("cache")
    work.service("web", command="gunicorn tea.wsgi --bind 0.0.0.0:{port}", port=8000, health="/", uses=[db, cache])
    work.service("plain", command="caddy run", port=9000, health="/")
    work.service("ours", app="tea.api:app", health="/health", uses=[db])
    work.schedule("tidy", cron="0 4 * * *", command="django-admin clearsessions", uses=[db])
    work.environment("dev")
    design = place(work.freeze(), "dev", rung=rung)
    tasks = (*design.of(EcsService), *design.of(EcsJob))
    stacks = (stack for machine in (*design.of(Host), *design.of(HostGroup)) for stack in machine.stacks)
    words = {each.name: " ".join(each.container.command) for each in (*tasks, *stacks)}
    start = "python -m rung.runtime.start --database db"
    assert words["web"] == f"{start} --cache cache -- gunicorn tea.wsgi --bind 0.0.0.0:8000"
    assert words["tidy"] == f"{start} -- django-admin clearsessions"
    assert words["plain"] == "caddy run"
    assert "rung.runtime.start" not in words["ours"]
