"""`rung workflow list|show|resume|cancel|picture`: the runs of a workload's workflows."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rung.cli.arguments import at_least_one
from rung.errors import Finding, MachineError, UsageError

if TYPE_CHECKING:
    from rung.runtime.bindings import WorkflowBinding
    from rung.runtime.workflow.client import Workflow
    from rung.runtime.workflow.records import Record, RunView
    from rung.runtime.workflow.store import Store

SCHEMA = "rung.workflow/1"
STATES = ("waiting", "running", "done", "failed", "cancelled", "parked")


def configure(parser: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to the parser."""
    command = parser.add_parser(
        "workflow",
        help="list, show, draw, resume and cancel the runs of workflows",
        description="Finds the database of a running rung dev by itself, in a container that of its bindings.",
    )
    actions = command.add_subparsers(dest="action", required=True, metavar="action")
    listing = _action(actions, "list", "the newest runs")
    listing.add_argument("workflow", nargs="?", metavar="WORKFLOW", help="of this workflow only")
    listing.add_argument("--state", choices=STATES, metavar="STATE", help=f"one of {', '.join(STATES)}")
    listing.add_argument("--limit", type=at_least_one, default=20, metavar="N", help="how many (20)")
    _of_run(_action(actions, "show", "a run with everything that it did"))
    resume = _of_run(_action(actions, "resume", "go on with a run that failed, was cancelled or is parked"))
    resume.add_argument("--from", dest="from_step", metavar="STEP", help="do this step, and all after it, again")
    resume.add_argument("--newest", action="store_true", help="follow the newest version from now on")
    cancel = _of_run(_action(actions, "cancel", "end a run and its children, and undo what they did"))
    cancel.add_argument(
        "--reason", default="cancelled from the command line", metavar="TEXT", help="kept with the run"
    )
    picture = _action(actions, "picture", "a run, or a declared workflow, as a picture")
    picture.add_argument("workflow", metavar="WORKFLOW", help="the workflow's node name")
    picture.add_argument(
        "run", nargs="?", metavar="RUN", help="the run's id; without one, of the declared workflow"
    )
    picture.set_defaults(format="mermaid")
    for each in actions.choices.values():
        _place(each)


def _action(actions: Any, name: str, line: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = actions.add_parser(name, help=line, description=line)
    return parser


def _of_run(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    parser.add_argument("workflow", metavar="WORKFLOW", help="the workflow's node name")
    parser.add_argument("run", metavar="RUN", help="the run's id")
    return parser


def _place(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--file", type=Path, default=Path("workload.py"), metavar="FILE", help="the workload file")
    parser.add_argument("--url", help="the database that keeps the runs; else that of rung dev, or DATABASE_URL")
    picture = parser.prog.endswith("picture")
    formats = ("mermaid", "svg", "json") if picture else ("text", "json")
    parser.add_argument("--format", choices=formats, default=formats[0], help="json is for programs")


def run(arguments: argparse.Namespace) -> int:
    """Do it. Raises UsageError for an unknown run, MachineError R0539 when the database cannot be asked."""
    if arguments.action == "picture" and arguments.run is None:
        print(_declared_picture(arguments), end="")
        return 0
    found = asyncio.run(_with_store(arguments))
    if arguments.format == "json":
        print(json.dumps({"schema": SCHEMA, **found["data"]}))
    else:
        print(found["text"], end="" if found["text"].endswith("\n") else "\n")
    return 0


def _binding(arguments: argparse.Namespace) -> WorkflowBinding:
    import msgspec

    from rung.cli.arguments import server_url
    from rung.local.state import FOLDER, WORKFLOWS_FILE
    from rung.runtime.bindings import WorkflowBinding, binding, first_of, variable_name

    if arguments.url:
        return WorkflowBinding(url=server_url(arguments.url))
    if variable_name(arguments.workflow or "") in os.environ:
        return binding(arguments.workflow, WorkflowBinding)
    if (told := first_of(WorkflowBinding)) is not None:
        return told  # in a container of a deployment
    written = b""
    try:
        written = (arguments.file.resolve().parent / FOLDER / WORKFLOWS_FILE).read_bytes()
        found = msgspec.json.decode(written, type=dict[str, WorkflowBinding])
    except (OSError, msgspec.MsgspecError):
        found = {}
    if found:
        return found.get(arguments.workflow or "") or next(iter(found.values()))
    if os.environ.get("DATABASE_URL"):
        return WorkflowBinding(url=server_url(os.environ["DATABASE_URL"]))
    if written:
        raise UsageError(f"the workload of {arguments.file} has no workflow; --url names the database of another")
    raise UsageError("say which database: --url URL, or DATABASE_URL in the environment, or start rung dev here")


async def _with_store(arguments: argparse.Namespace) -> dict[str, Any]:
    from rung.errors import ApplicationError
    from rung.runtime.workflow.client import Workflow
    from rung.runtime.workflow.postgres.adapter import PostgresStore

    store = PostgresStore(_binding(arguments))
    try:
        if arguments.action == "list":
            return await _list(store, arguments)
        return await _one(Workflow(arguments.workflow, store), store, arguments)
    except ApplicationError as error:
        raise MachineError(_unreachable(str(error))) from error
    finally:
        await store.close()


def _unreachable(found: str) -> Finding:
    return Finding(
        code="R0539",
        severity="error",
        message="the database of the workflows cannot be asked",
        found=found,
        effect="nothing can be shown or changed",
        help="start the workload with rung dev, or name the database that keeps its runs: --url URL",
    )


async def _list(store: Store, arguments: argparse.Namespace) -> dict[str, Any]:
    views = await store.views(workflow=arguments.workflow, state=arguments.state, limit=arguments.limit)
    rows = [("workflow", "run", "state", "started", "version")]
    rows += [
        (each.workflow, each.id, each.state, f"{each.created_at:%Y-%m-%d %H:%M:%S}", each.version)
        for each in views
    ]
    text = _columns(rows) if views else "no runs"
    return {"data": {"runs": [_plain(each) for each in views]}, "text": text}


async def _one(flow: Workflow, store: Store, arguments: argparse.Namespace) -> dict[str, Any]:
    handle = flow.run(arguments.run)
    view = await handle.status()
    if view is None:
        raise UsageError(f"workflow {flow.name!r} has no run {arguments.run!r}: rung workflow list {flow.name}")
    match arguments.action:
        case "show":
            return {"data": {"run": _plain(view)}, "text": _shown(view)}
        case "picture":
            return {"data": {"run": _plain(view)}, "text": _drawn(view, arguments.format)}
        case "resume":
            return _told(await _resume(handle, arguments), "resumed", f"not resumed: it is {view.state}")
        case _:
            return _told(await handle.cancel(arguments.reason), "asked to end", f"not asked: it is {view.state}")


async def _resume(handle: Any, arguments: argparse.Namespace) -> bool:
    try:
        done: bool = await handle.resume(from_step=arguments.from_step, newest_version=arguments.newest)
    except LookupError as error:
        raise UsageError(str(error)) from error
    return done


def _told(done: bool, yes: str, no: str) -> dict[str, Any]:
    return {"data": {"done": done}, "text": yes if done else no}


def _drawn(view: RunView, form: str) -> str:
    from rung.runtime.workflow.picture import as_mermaid, as_svg, picture_of

    picture = picture_of(view)
    return as_svg(picture) if form == "svg" else as_mermaid(picture)


def _declared_picture(arguments: argparse.Namespace) -> str:
    import sys

    from rung.model.nodes import Workflow
    from rung.model.read import load_workload
    from rung.runtime.workflow.declared.picture import picture_of_definition
    from rung.runtime.workflow.declared.states import Definition
    from rung.runtime.workflow.picture import as_mermaid, as_svg
    from rung.runtime.workflow.versions import load_object

    graph = load_workload(arguments.file)
    node = graph.by_name.get(arguments.workflow)
    if not isinstance(node, Workflow):
        raise UsageError(f"no workflow {arguments.workflow!r} in {arguments.file}")
    sys.path.insert(0, str(arguments.file.resolve().parent))
    definition = load_object(node.handler)
    if not isinstance(definition, Definition):
        raise UsageError(f"{node.handler} is code: name one of its runs, and its picture is what the run did")
    picture = picture_of_definition(definition)
    return as_svg(picture) if arguments.format == "svg" else as_mermaid(picture)


def _shown(view: RunView) -> str:
    lines = [f"{view.workflow} {view.id}: {view.state}"]
    if view.failure is not None:
        lines.append(f"  {view.failure}")
    lines += [f"  started {view.created_at:%Y-%m-%d %H:%M:%S}, input {view.given[:200]}"]
    if view.output is not None:
        lines.append(f"  result {view.output[:200]}")
    rows = [("place", "kind", "name", "state", "attempts", "")]
    rows += [_row(record) for record in view.records]
    return "\n".join(lines) + "\n" + _columns(rows)


def _row(record: Record) -> tuple[str, str, str, str, str, str]:
    remark = str(record.failure)[:80] if record.failure is not None else (record.output or "")[:60]
    if record.wake_at is not None and record.state in ("waiting", "retrying"):
        remark = f"until {record.wake_at:%Y-%m-%d %H:%M:%S}"
    return record.path, record.kind, record.name, record.state, str(record.attempts), remark


def _columns(rows: Sequence[tuple[str, ...]]) -> str:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)


def _plain(view: RunView) -> dict[str, Any]:
    import msgspec

    plain: dict[str, Any] = msgspec.to_builtins(view)
    return plain
