"""The box's backup and restore, run for real: the generated scripts against this machine's Postgres.

Backups go to a folder (`RUNG_BACKUP_TARGET=file://...`), and once to S3 as moto's server has it, by a stand-in for
the `aws` program that makes the same calls with boto3. What is restored is compared row by row.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import boto3
import pytest
from werkzeug.serving import make_server

from rung.local.postgres import PostgresServer, binaries

ROWS = 5_000
Machines = dict[str, dict[str, str]]
AWS = f"""#!{sys.executable}
import os, sys
import boto3
words = [word for word in sys.argv[1:] if not word.startswith("--only")]
assert words[:2] == ["--region", "eu-west-1"], words
service, action, rest = words[2], words[3], words[4:]
client = lambda name: boto3.client(name, endpoint_url=os.environ["ENDPOINT"], region_name="eu-west-1")
split = lambda url: url.removeprefix("s3://").split("/", 1)
option = lambda name: rest[rest.index(name) + 1]
if (service, action) == ("s3", "cp"):
    origin, target = rest[-2:]
    if target.startswith("s3://"):
        assert option("--sse") == "aws:kms"
        bucket, key = split(target)
        client("s3").put_object(Bucket=bucket, Key=key, Body=open(origin, "rb"), ServerSideEncryption="aws:kms",
                                SSEKMSKeyId=option("--sse-kms-key-id"))
    else:
        bucket, key = split(origin)
        client("s3").download_file(bucket, key, target)
elif (service, action) == ("s3", "ls"):
    for each in client("s3").list_objects_v2(Bucket=split(rest[0])[0]).get("Contents", []):
        print("2026-01-01 00:00:00", each["Size"], each["Key"])
elif (service, action) == ("s3api", "head-object"):
    print(client("s3").head_object(Bucket=option("--bucket"), Key=option("--key"))["ContentLength"])
elif (service, action) == ("cloudwatch", "put-metric-data"):
    name, value = option("--dimensions").split("=")
    client("cloudwatch").put_metric_data(Namespace=option("--namespace"), MetricData=[
        {{"MetricName": option("--metric-name"), "Value": float(option("--value")),
          "Dimensions": [{{"Name": name, "Value": value}}]}}])
else:
    sys.exit(f"not expected: {{words}}")
"""


def checksum_of(archive: Path) -> Path:
    return archive.with_name(f"{archive.name}.sha256")


class Box:
    """The scripts of a box on this machine, and a database of their own."""

    def __init__(self, folder: Path, machines: Machines, server: PostgresServer) -> None:
        self.folder = folder
        self.server = server
        self.backups = folder / "backups"
        for name in ("rung-backup", "rung-restore", "rung-roles", "rung-secrets"):
            (folder / name).write_text(machines["box"][name])
            (folder / name).chmod(0o755)
        (folder / "aws").write_text(AWS)
        (folder / "aws").chmod(0o755)
        (folder / "rung.env").write_text(machines["box"]["rung.env"].replace("/opt/shop", str(folder)))
        (folder / "late.env").write_text("BACKUPS_NAME=backups\nKEYS_DATA_KEY_ARN=key\nSESSION_KEY_ARN=arn\n")
        (folder / "kept").mkdir()
        (folder / "kept/shop_api").write_text("a-password")
        parts = urlsplit(server.url)
        self.environment = {
            "PATH": f"{folder}:{binaries()}:{os.environ['PATH']}", "HOME": str(folder),
            "PGHOST": "127.0.0.1", "PGPORT": str(parts.port), "PGPASSWORD": server.password,
            "RUNG_POSTGRES_DIRECTLY": "1", "RUNG_SETTINGS": str(folder / "rung.env"), "RUNG_WORK": str(folder),
            "RUNG_KEPT": str(folder / "kept"), "RUNG_BACKUP_TARGET": f"file://{self.backups}",
            "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
        }  # fmt: skip

    def run(self, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run one of the programs."""
        return subprocess.run(
            [str(self.folder / name), *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def done(self, name: str, *arguments: str) -> str:
        """Run one, which must succeed."""
        result = self.run(name, *arguments)
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout

    async def sql(self, statement: str, database: str = "shop") -> list[asyncpg.Record]:
        """Ask the server as its superuser."""
        connection = await asyncpg.connect(self.server.url_of(database))
        try:
            return list(await connection.fetch(statement))
        finally:
            await connection.close()

    async def fingerprint(self, database: str = "shop") -> tuple[int, str, str]:
        """Rows, a checksum over all of them, and the next number of the sequence."""
        rows = await self.sql(
            "select count(*) as rows, md5(string_agg(orders::text, '|' order by id)) as sum from orders", database
        )
        last = await self.sql("select last_value::text as last from orders_id_seq", database)
        return rows[0]["rows"], rows[0]["sum"], last[0]["last"]

    async def clean(self) -> None:
        """Remove what a test before left: the databases and roles of shop."""
        for row in await self.sql("select datname from pg_database where datname like 'shop%'", "postgres"):
            await self.sql(f'drop database "{row["datname"]}" with (force)', "postgres")
        for row in await self.sql("select rolname from pg_roles where rolname like 'shop%'", "postgres"):
            await self.sql(f'drop role "{row["rolname"]}"', "postgres")

    def newest(self) -> Path:
        """The newest finished backup."""
        return max(self.backups.glob("*.dump"))


@pytest.fixture
async def box_machine(tmp_path: Path, machines: Machines, postgres_server: PostgresServer) -> AsyncIterator[Box]:
    """A box with orders in its database. Databases and roles are the server's: none is left to other tests."""
    made = Box(tmp_path, machines, postgres_server)
    await made.clean()
    await made.sql(f"create role shop_owner superuser login password '{postgres_server.password}'", "postgres")
    await made.sql("create database shop owner shop_owner", "postgres")
    await made.sql(
        "create table orders (id bigserial primary key, name text, total numeric(12, 2), at timestamptz)"
    )
    await made.sql(
        "insert into orders (name, total, at) select 'Käufer „' || n || '“ \t' || chr(128512), n * 1.01, "
        f"timestamptz '2026-01-01' + n * interval '1 minute' from generate_series(1, {ROWS}) n"
    )
    yield made
    await made.clean()


async def test_what_is_backed_up_wiped_and_restored_is_the_same(box_machine: Box) -> None:
    before = await box_machine.fingerprint()
    assert before[0] == ROWS
    box_machine.done("rung-backup")
    await box_machine.sql("truncate orders")
    await box_machine.sql("insert into orders (name) values ('written after the backup')")

    said = box_machine.done("rung-restore", "--newest", "--switch")

    assert await box_machine.fingerprint() == before
    assert f"public.orders|{ROWS}" in said or "orders" in said
    kept = [row["datname"] for row in await box_machine.sql("select datname from pg_database", "postgres")]
    old = next(name for name in kept if name.startswith("shop_before_"))
    rows = await box_machine.sql("select name from orders", old)
    assert [row["name"] for row in rows] == ["written after the backup"], "nothing was thrown away"


async def test_a_restore_changes_nothing_until_it_is_told_to_switch(box_machine: Box) -> None:
    box_machine.done("rung-backup")
    await box_machine.sql("delete from orders where id > 10")
    box_machine.done("rung-restore", "--newest")
    assert (await box_machine.fingerprint())[0] == 10
    assert (await box_machine.fingerprint("shop_restored"))[0] == ROWS


async def test_a_lost_database_comes_back(box_machine: Box) -> None:
    before = await box_machine.fingerprint()
    box_machine.done("rung-backup")
    await box_machine.sql("drop database shop with (force)", "postgres")
    await box_machine.sql("create database shop owner shop_owner", "postgres")  # as a fresh machine has it
    box_machine.done("rung-restore", "--newest", "--switch")
    assert await box_machine.fingerprint() == before


async def test_a_damaged_backup_is_refused(box_machine: Box) -> None:
    before = await box_machine.fingerprint()
    box_machine.done("rung-backup")
    archive = box_machine.newest()
    content = bytearray(archive.read_bytes())
    content[len(content) // 2] ^= 1
    archive.write_bytes(bytes(content))
    result = box_machine.run("rung-restore", "--newest", "--switch")
    assert result.returncode == 1
    assert "its checksum is wrong; nothing was changed" in result.stderr
    assert await box_machine.fingerprint() == before


async def test_a_backup_that_was_not_finished_is_no_backup(box_machine: Box) -> None:
    box_machine.done("rung-backup")
    archive = box_machine.newest()
    checksum_of(archive).unlink()
    assert box_machine.done("rung-restore", "--list") == ""
    assert "there is no backup" in box_machine.run("rung-restore", "--newest").stderr
    assert "it was not finished" in box_machine.run("rung-restore", archive.name).stderr


async def test_an_archive_with_the_right_checksum_that_is_none_is_refused(box_machine: Box) -> None:
    box_machine.done("rung-backup")
    archive = box_machine.newest()
    archive.write_bytes(b"not a dump")
    digest = hashlib.sha256(b"not a dump").hexdigest()
    checksum_of(archive).write_text(f"{digest}  {archive.name}\n")
    assert "is no archive; nothing was changed" in box_machine.run("rung-restore", archive.name).stderr


async def test_a_failed_dump_leaves_nothing_behind(box_machine: Box) -> None:
    await box_machine.sql("drop database shop with (force)", "postgres")
    assert box_machine.run("rung-backup").returncode != 0
    assert not list(box_machine.backups.glob("*")) if box_machine.backups.exists() else True
    assert not list(box_machine.folder.glob("backup.*")), "the folder of work is removed"


async def test_the_newest_of_several_is_taken(box_machine: Box) -> None:
    box_machine.done("rung-backup")
    first = box_machine.newest()
    for old in (first, Path(f"{first}.sha256")):
        name = old.name.replace(first.name[3:19], "20200101T000000Z")
        text = old.read_bytes().replace(
            first.name.encode(), first.name.replace(first.name[3:19], "20200101T000000Z").encode()
        )
        (box_machine.backups / name).write_bytes(text)
    assert len(box_machine.done("rung-restore", "--list").splitlines()) == 2
    assert first.name in box_machine.done("rung-restore", "--newest")


async def test_roles_can_do_what_they_were_granted_and_no_more(box_machine: Box) -> None:
    names = ("shop_admin", "shop_mail", "shop_clean", "shop_seed")
    for name in names:
        (box_machine.folder / "kept" / name).write_text(f"password-of-{name}")
    box_machine.done("rung-roles", "passwords")
    box_machine.done("rung-roles", "grants")
    box_machine.done("rung-roles", "passwords")  # once more changes nothing
    url = urlsplit(box_machine.server.url_of("shop"))
    reader = await asyncpg.connect(
        f"postgresql://shop_admin:password-of-shop_admin@{url.hostname}:{url.port}/shop"
    )
    try:
        assert await reader.fetchval("select count(*) from orders") == ROWS
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await reader.execute("delete from orders")
    finally:
        await reader.close()


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """S3 and CloudWatch as moto's server has them, with an empty bucket."""
    from moto.server import DomainDispatcherApplication, create_backend_app

    server = make_server("127.0.0.1", 0, DomainDispatcherApplication(create_backend_app), threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    endpoint = f"http://127.0.0.1:{server.server_port}"
    region = "eu-west-1"
    boto3.client("s3", endpoint_url=endpoint, region_name=region).create_bucket(
        Bucket="backups", CreateBucketConfiguration={"LocationConstraint": region}
    )
    yield endpoint
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
async def test_backups_go_to_s3_encrypted_and_tell_that_they_did(box_machine: Box, s3: str) -> None:
    before = await box_machine.fingerprint()
    del box_machine.environment["RUNG_BACKUP_TARGET"]
    box_machine.environment["ENDPOINT"] = s3
    box_machine.done("rung-backup")
    await box_machine.sql("truncate orders")
    box_machine.done("rung-restore", "--newest", "--switch")
    assert await box_machine.fingerprint() == before

    client = boto3.client("s3", endpoint_url=s3, region_name="eu-west-1")
    keys = [each["Key"] for each in client.list_objects_v2(Bucket="backups")["Contents"]]
    assert sorted(key.rpartition(".")[2] for key in keys) == ["dump", "sha256"]
    assert client.head_object(Bucket="backups", Key=keys[0])["ServerSideEncryption"] == "aws:kms"
    metrics = boto3.client("cloudwatch", endpoint_url=s3, region_name="eu-west-1").list_metrics(Namespace="rung")
    assert metrics["Metrics"][0]["MetricName"] == "BackupSucceeded"
    assert metrics["Metrics"][0]["Dimensions"] == [{"Name": "Workload", "Value": "shop-dev-box"}]


def test_secrets_are_made_once_and_only_their_user_can_read_them(box_machine: Box) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give files to others")
    script = (box_machine.folder / "rung-secrets").read_text().replace("fetch session-key", "# fetch session-key")
    (box_machine.folder / "rung-secrets").write_text(script)
    box_machine.environment["RUNG_SECRETS"] = str(box_machine.folder / "run/secrets")
    shutil.rmtree(box_machine.folder / "kept")
    assert box_machine.done("rung-secrets") == "", "nothing is printed"
    file = box_machine.folder / "run/secrets/api-databases"
    first = file.read_text()
    assert first.startswith("db:5432:shop:shop_api:")
    assert len(first.strip().rpartition(":")[2]) == 40
    assert stat.S_IMODE(file.stat().st_mode) == 0o400
    assert file.stat().st_uid == 10_001
    assert (box_machine.folder / "run/secrets/db-owner").stat().st_uid == 999
    box_machine.done("rung-secrets")
    assert file.read_text() == first, "a restart keeps the passwords"


def test_a_secret_without_a_value_is_an_error_that_says_what_to_do(box_machine: Box) -> None:
    box_machine.environment["RUNG_SECRETS"] = str(box_machine.folder / "run/secrets")
    result = box_machine.run("rung-secrets")
    assert result.returncode != 0
    assert "no value for session-key: aws secretsmanager put-secret-value" in result.stderr
