"""Blocks for what keeps data: keys, databases, caches, buckets, files, tables, secrets, backups."""

from __future__ import annotations

import re
from collections.abc import Iterator

from rung.parts.data import (
    AuroraCluster,
    BackupPlan,
    BucketPart,
    CacheGroup,
    FileSystem,
    PostgresInstance,
    SecretPart,
    TablePart,
)
from rung.parts.design import Design
from rung.parts.edge import Distribution
from rung.parts.operations import Keys
from rung.terraform.hcl import Block, Call, Expression, Raw, Remarked, Row
from rung.terraform.homes import LOGINS, rights_of
from rung.terraform.names import environment_name, full_name, label, output, workload_line
from rung.terraform.setting import ACCOUNT, REGION, Setting, literals

_SECRETS = "What people set, and nothing here knows the value of"
_LOOKS_COMPLETE = re.compile(r"-[A-Za-z0-9]{6}\Z")


def keys(setting: Setting, part: Keys) -> Block:
    """Two keys of our own: who may use them is written in their policies."""
    words = "One key encrypts data, one logs and topics"
    return setting.module(part, "keys", words, {"account_id": ACCOUNT, "region": REGION, **literals(part)})


def postgres_instance(setting: Setting, part: PostgresInstance) -> Block:
    """One RDS instance, and a standby where it has one."""
    return _database(setting, part, "postgres_instance", f"{part.name} is PostgreSQL on RDS")


def aurora_cluster(setting: Setting, part: AuroraCluster) -> Block:
    """One Aurora cluster."""
    return _database(setting, part, "aurora_cluster", f"{part.name} is PostgreSQL on Aurora Serverless v2")


def _database(setting: Setting, part: PostgresInstance | AuroraCluster, module: str, words: str) -> Block:
    arguments = {
        **setting.inside, **literals(part, "version"), "engine_version": part.version,
        "database": setting.design.workload.replace("-", "_"),
    }  # fmt: skip
    return setting.module(part, module, words, arguments)


def cache_group(setting: Setting, part: CacheGroup) -> Block:
    """One replication group of Valkey."""
    return setting.module(part, "cache_group", f"{part.name} is a cache", {**setting.inside, **literals(part)})


def bucket(setting: Setting, part: BucketPart) -> Block:
    """One bucket. What the load balancer and CloudFront log cannot be encrypted with a key of ours."""
    logs = next((each for each in setting.design.of(BucketPart) if each.purpose == "logs"), None)
    arguments: dict[str, Expression] = {"account_id": ACCOUNT, **literals(part)}
    if part.purpose == "logs":
        # CloudFront writes its log through an access control list.
        arguments["allow_acl_delivery"] = bool(setting.design.of(Distribution))
    else:
        arguments |= {"key_arn": setting.data_key, "logs_bucket": output(logs.name, "name") if logs else None}
    return setting.module(part, "bucket", f"{part.name} keeps objects", arguments)


def file_system(setting: Setting, part: FileSystem) -> Block:
    """One shared file system; on one of others, the access point alone."""
    if part.existing is not None:
        given: dict[str, Expression] = {
            "file_system_id": part.existing, "region": REGION, "account_id": ACCOUNT,
            "security_group_id": part.security_group, "access_point_id": part.access_point,
            **({"path": part.path, "user_id": part.user_id} if part.access_point is None else {}),
        }  # fmt: skip
        words = f"{part.name} is a folder of {part.existing}, which others own"
        return setting.module(part, "existing_file_system", words, given)
    arguments = {
        "vpc_id": setting.vpc, "subnet_ids": setting.compute_subnets, "key_arn": setting.data_key,
        "automatic_backups": not any(part.name in plan.protects for plan in setting.design.of(BackupPlan)),
        **literals(part, "security_group", "access_point"),
    }  # fmt: skip
    return setting.module(part, "file_system", f"{part.name} is shared by what runs", arguments)


def table(setting: Setting, part: TablePart) -> Block:
    """One DynamoDB table."""
    return setting.module(
        part, "table", f"{part.name} is a table", {"key_arn": setting.data_key, **literals(part)}
    )


def secrets(setting: Setting, part: SecretPart) -> Iterator[Block]:
    """The secrets that share a block, where the first of them stands; or one secret."""
    if part.name not in setting.homes:
        yield secret(setting, part)
        return
    alike = [each for each in setting.sharing(part) if isinstance(each, SecretPart)]
    if not alike:
        return
    if part.generated_username is not None:
        yield _logins(setting, setting.homes[part.name].block, alike)
        return
    reminded = any(each.rotate_days is not None for each in alike)
    arguments: dict[str, Expression] = {
        "name": environment_name(setting.design),
        "key_arn": setting.data_key,
        "secrets": {setting.key(each): _by_person(each) for each in alike},
        "topic_arn": setting.topic if reminded else None,
        "topic_key_arn": setting.log_key if reminded else None,
    }
    lines = [workload_line(setting.design, each.node).strip(" ()") for each in alike]
    known = ", ".join(line for line in dict.fromkeys(lines) if line)
    note = f"{_SECRETS} ({known})" if known else _SECRETS
    yield setting.call(setting.homes[part.name].block, "secrets", note, arguments)


def _by_person(part: SecretPart) -> Expression:
    """How often its value is replaced."""
    return {} if part.rotate_days is None else {"rotate_days": part.rotate_days}


def _remarked(design: Design, part: SecretPart, entry: dict[str, Expression]) -> Expression:
    remark = workload_line(design, part.node).strip(" ()") or part.why
    return Remarked(entry, remark) if remark else Row(entry)


def _logins(setting: Setting, block: str, parts: list[SecretPart]) -> Block:
    """Who reaches a database as which role, and what that role may do."""
    database = block.removesuffix(LOGINS)
    rights = rights_of(setting.design, database)
    logins: dict[str, Expression] = {}
    for part in parts:
        key = setting.key(part)
        given = rights.get(key, {"rows": "none", "queue": False})
        logins[key] = _remarked(setting.design, part, {"username": part.generated_username, **given})
    arguments: dict[str, Expression] = {
        "name": full_name(setting.design, database), "key_arn": setting.data_key,
        "database": Raw(f"module.{label(database)}"), "logins": logins,
    }  # fmt: skip
    note = (
        f"Who reaches {database} as which role, and what it may do there: generated once, and no file knows them"
    )
    return setting.call(block, "logins", note, arguments)


def secret(setting: Setting, part: SecretPart) -> Block:
    """One secret: the shell, never the value."""
    words = f"{part.name} is generated once" if part.generated else f"{part.name} is set by a person"
    name = full_name(setting.design, part.name)
    # Secrets Manager appends a hyphen and six characters, and takes a name that ends so for a complete one.
    arguments: dict[str, Expression] = {
        "name": f"{name}-value" if _LOOKS_COMPLETE.search(name) else name,
        "key_arn": setting.data_key,
    }
    if part.rotate_days is not None:
        arguments |= {"rotation": "person", "topic_arn": setting.topic, "topic_key_arn": setting.log_key}
    return setting.module(part, "secret", words, {**arguments, **literals(part)})


def backup_plan(setting: Setting, part: BackupPlan) -> Block:
    """One backup plan over what it names."""
    restored = _restored(setting, part)
    arguments = {
        "key_arn": setting.data_key, "resource_arns": [output(name, "arn") for name in part.protects],
        "topic_arn": setting.topic, "restore_types": restored,
        **literals(part, "protects"), "restore_test": bool(restored),
    }  # fmt: skip
    return setting.module(part, "backup_plan", "Backups are kept apart from what they protect", arguments)


def _restored(setting: Setting, part: BackupPlan) -> dict[str, Expression]:
    """What AWS Backup must be told to restore a copy of each kind beside the original."""
    found: dict[str, Expression] = {}
    for each in (setting.design.part(name) for name in part.protects):
        match each:
            case AuroraCluster():
                found.setdefault("Aurora", _beside(setting, each.name))
            case PostgresInstance():
                found.setdefault("RDS", _beside(setting, each.name))
            case FileSystem():
                new: Expression = {
                    "newFileSystem": "true",
                    "encrypted": "true",
                    "performanceMode": "generalPurpose",
                }
                found.setdefault("EFS", new)
            case _:
                continue
    return found if part.restore_test else {}


def _beside(setting: Setting, database: str) -> Expression:
    groups = Call("jsonencode", ([output(database, "security_group_id")],))
    return {"dbSubnetGroupName": full_name(setting.design, database), "vpcSecurityGroupIds": groups}
