"""What a machine itself needs of AWS: its image, its management, its backups. No edge asks for it. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from rung.parts.access import Condition, Statement
from rung.parts.data import SecretPart
from rung.parts.values import Reference
from rung.rungs.access import DECRYPT, ENCRYPT, SECRET_READ, data_key, through
from rung.rungs.setting import Setting

PULL = ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
#: Session Manager: a shell without an open port. Source: AWS, "Create a custom IAM role for Session Manager".
MANAGE = (
    "ssm:UpdateInstanceInformation", "ssmmessages:CreateControlChannel", "ssmmessages:CreateDataChannel",
    "ssmmessages:OpenControlChannel", "ssmmessages:OpenDataChannel",
)  # fmt: skip
#: The namespace in which machines publish their own figures: disk, memory, the success of backups.
RELEASE = "release"
METRICS_NAMESPACES = ("CWAgent", "rung")


def release_part(setting: Setting) -> SecretPart:
    """Where the pipeline writes which image the machines run: a new machine asks before it starts anything.

    A secret, though its value is none: it is the one store whose reading is granted by its own ARN.
    """
    why = "which image the machines run: the pipeline writes it"
    return SecretPart(name=setting.platform(RELEASE), node="@workload", why=why)


def machine_statements(setting: Setting, machine: str, secrets: tuple[str, ...] = ()) -> Iterator[Statement]:
    """What every machine may do; `secrets` are those of its management.

    AWS has no narrower resource for signing in to a registry, for Session Manager and for publishing a metric.
    """
    yield Statement(
        principal=machine, sid="PullImage", actions=PULL, why="pulls the workload's image",
        resources=(Reference(part=setting.platform("images"), output="repository_arn"),),
    )  # fmt: skip
    yield Statement(
        principal=machine, sid="SignInToRegistry", actions=("ecr:GetAuthorizationToken",), resources=("*",),
        why="signs in to the registry; AWS knows no narrower resource",
    )  # fmt: skip
    yield Statement(
        principal=machine, sid="BeManaged", actions=MANAGE, resources=("*",),
        why="Session Manager instead of an open port; AWS knows no narrower resource",
    )  # fmt: skip
    yield Statement(
        principal=machine, sid="PublishMetrics", actions=("cloudwatch:PutMetricData",), resources=("*",),
        conditions=(Condition(operator="StringEquals", key="cloudwatch:namespace", values=METRICS_NAMESPACES),),
        why="disk, memory and backups, in their own namespaces alone",
    )  # fmt: skip
    logs = Reference(part=machine, output="log_group_arn", suffix=":*")
    yield Statement(
        principal=machine, sid="WriteLogs", actions=("logs:CreateLogStream", "logs:PutLogEvents"),
        resources=(logs,),
        why="writes the logs of its containers",
    )  # fmt: skip
    why = "reads which image to run" + (", and joins the tailnet" if secrets else "")
    arns = tuple(Reference(part=name, output="arn") for name in (setting.platform(RELEASE), *secrets))
    yield Statement(principal=machine, sid="ReadOwnSecrets", actions=SECRET_READ, resources=arns, why=why)
    yield Statement(
        principal=machine, sid="ReadOwnSecretsKey", actions=DECRYPT, resources=(data_key(setting),),
        conditions=through(setting, "secretsmanager"), why=why,
    )  # fmt: skip


def backup_statements(setting: Setting, machine: str, bucket: str) -> Iterator[Statement]:
    """A box writes its backups and reads them back; it cannot delete one."""
    yield Statement(
        principal=machine, sid="WriteBackups", actions=("s3:GetObject", "s3:PutObject"),
        why="backups and restores",
        resources=(Reference(part=bucket, output="arn", suffix="/*"),),
    )  # fmt: skip
    yield Statement(
        principal=machine, sid="ListBackups", actions=("s3:ListBucket",), why="finds the last backup",
        resources=(Reference(part=bucket, output="arn"),),
    )  # fmt: skip
    yield Statement(
        principal=machine, sid="WriteBackupsKey", actions=ENCRYPT, why="backups are encrypted",
        resources=(data_key(setting),), conditions=through(setting, "s3"),
    )  # fmt: skip
