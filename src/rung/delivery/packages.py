"""Whether the application's packages hold what its bindings on AWS need: finding R0909.

The image is built from the lock beside the workload file. A lock without botocore makes an image that runs on a
laptop, where nothing asks AWS, and that cannot read its first secret there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from rung.delivery.project import Project, project_of
from rung.errors import Finding, Location
from rung.parts.compute import Container, Host, HostGroup
from rung.parts.design import Design
from rung.parts.values import Document

_LOCKED = re.compile(r'^(?:name = "(?:boto3|botocore)"$|(?:boto3|botocore)==)', re.MULTILINE)
#: Packages by what asks for them: boto3 itself, or rung's extra.
_NAMED = re.compile(
    r"""(?:^|["'])\s*(?:boto3|botocore)\b|(?:^|["'])\s*rung\[[\w,\s-]*\b(?:aws|all)\b[\w,\s-]*\]""", re.MULTILINE
)
_BINDING = "RUNG_BINDING_"


def package_findings(design: Design, folder: Path) -> tuple[Finding, ...]:
    """R0909 for a design whose processes ask AWS, and packages without the client for it."""
    needs = tuple(dict.fromkeys(_needs(design)))
    project = project_of(folder)
    if not needs or project.packages == "none" or _has_client(folder / project.file, project):
        return ()
    return (_finding(design, needs, folder, project),)


def _has_client(file: Path, project: Project) -> bool:
    text = file.read_text(encoding="utf-8", errors="replace")
    return bool(_LOCKED.search(text)) or (not project.locked and bool(_NAMED.search(text)))


def _finding(design: Design, needs: tuple[str, ...], folder: Path, project: Project) -> Finding:
    word = "locked" if project.locked else "named"
    more = f" and {len(needs) - 3} more" if len(needs) > 3 else ""
    again = "then lock again" if project.locked else "or boto3 itself"
    return Finding(
        code="R0909", severity="error" if project.locked else "warning",
        message=f"processes ask AWS in {design.environment}, and no client for it is {word}",
        location=Location(file=str(folder / project.file), line=1),
        found=f"neither boto3 nor botocore in {project.file}; needed for {', '.join(needs[:3])}{more}",
        effect="the image starts, and fails when it reads its first secret or opens its first queue",
        help=f'add "rung[aws]" to the dependencies, {again}',
    )  # fmt: skip


def _needs(design: Design) -> Iterator[str]:
    """Each binding that is read from AWS, by the node that it is for."""
    for container in _containers(design):
        if not any(word.startswith("rung.") for word in container.command):
            continue  # a program that is not rung's finds its own way
        for variable in container.variables:
            if isinstance(variable.value, Document) and variable.name.startswith(_BINDING):
                reason = _reason(dict(variable.value.fields))
                if reason:
                    node = variable.name.removeprefix(_BINDING).lower().replace("_", "-")
                    yield f"{node} ({reason})"


def _reason(fields: dict[str, object]) -> str:
    if fields.get("adapter") == "sqs":
        return "SQS"
    kept = fields.get("credentials_secret", "")
    if fields.get("source") == "secretsmanager" or (kept and not str(kept).startswith("/")):
        return "Secrets Manager"
    if "replication_group" in fields:
        return "the login of Valkey"
    return {"bucket": "S3", "table": "DynamoDB"}.get(str(fields.get("kind")), "")


def _containers(design: Design) -> Iterator[Container]:
    for part in design.parts:
        own = getattr(part, "container", None)
        if isinstance(own, Container):
            yield own
        if isinstance(part, Host | HostGroup):
            yield from (stack.container for stack in part.stacks)
