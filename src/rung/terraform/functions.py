"""Blocks for functions beside machines and tasks: workers that their queues start."""

from __future__ import annotations

from rung.parts.compute import Mount
from rung.parts.functions import LambdaFunction, QueueSource
from rung.terraform.bindings import Bindings
from rung.terraform.hcl import Block, Expression
from rung.terraform.names import output
from rung.terraform.setting import Setting, literals
from rung.terraform.tasks import PLATFORM, command_of

#: What the workload says of a function and no module needs: others are made of it.
_LEFT_OUT = (
    "role", "handler", "command", "image", "packaging", "variables", "mounts", "port", "health_path",
    "usual_seconds", "sources", "log_days",
)  # fmt: skip


def function(setting: Setting, part: LambdaFunction, bindings: Bindings) -> Block:
    """One worker in Lambda, with the queues that start it."""
    arguments: dict[str, Expression] = {
        "platform": PLATFORM,
        **literals(part, *_LEFT_OUT),
        "command": command_of(part.command),
        "environment": bindings.environment(part.name, part.variables),
        "queues": {each.queue: _source(setting, each) for each in part.sources},
        "file_systems": [_mounted(mount) for mount in part.mounts],
    }
    foreign = [key for key in dict.fromkeys(_foreign_keys(setting, part)) if key]
    if foreign:
        arguments["queue_key_arns"] = foreign
    return setting.module(
        part, "lambda_worker", f"{part.name} takes messages, as often at once as it must", arguments
    )


def _source(setting: Setting, source: QueueSource) -> Expression:
    given: dict[str, Expression] = {
        "arn": setting.output(source.queue, "arn"), "batch_size": source.batch_size,
        "most_batches": source.most_batches,
    }  # fmt: skip
    return given | ({"window_seconds": source.window_seconds} if source.window_seconds else {})


def _foreign_keys(setting: Setting, part: LambdaFunction) -> list[str]:
    """Keys of queues that others own."""
    return [setting.design.there.get((each.queue, "key_arn"), "") for each in part.sources]


def _mounted(mount: Mount) -> Expression:
    return {"access_point_arn": output(mount.file_system, "access_point_arn"), "path": mount.path}
