"""From a process that did not start to one finding that names the line to change."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rung.errors import Finding, Location
from rung.local.child import StartError
from rung.local.specification import Listening, ProcessSpec

_IMPORTABLE = Path(__file__).with_name("importable.py")
_PORT_WORDS = ("address already in use", "port is already", "errno 98", "errno 48")
_IMPORT_TIMEOUT_SECONDS = 30.0


async def explain(error: StartError) -> Finding:
    """Why `error.spec` did not start, as far as it can be found out."""
    spec = error.spec
    if spec.kind == "server":
        return _server(error)
    if spec.entries and (problems := await import_problems(spec)):
        return problems[0]
    said = "\n".join(error.last_lines)
    if any(word in said.lower() for word in _PORT_WORDS):
        return _port_in_use(spec, said)
    if "cannot be run" in error.reason:
        return Finding(
            code="R0315",
            severity="error",
            message=f"the command of {spec.name!r} cannot be run",
            location=spec.location,
            found=error.reason,
            effect=f"{spec.name} does not run",
            help="install the program, or correct command= (it is run without a shell, in the workload's folder)",
        )
    return Finding(
        code="R0308",
        severity="error",
        message=f"{spec.name!r} does not become ready: it {_as_predicate(error.reason)}",
        location=spec.location,
        found=_indented(error.last_lines) or "it printed nothing",
        effect=f"{spec.name} does not run",
        help=_help_for(spec),
    )


async def import_problems(spec: ProcessSpec) -> list[Finding]:
    """One finding per entry of `spec` that cannot be imported, found out in a process with its environment."""
    command = (spec.command[0], str(_IMPORTABLE), *spec.entries)
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        cwd=spec.directory,
        env=dict(spec.environment),
    )
    try:
        output, _ = await asyncio.wait_for(process.communicate(), _IMPORT_TIMEOUT_SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()
        return []
    return [_not_importable(spec, problem) for problem in _parsed(output)]


def _parsed(output: bytes) -> list[dict[str, Any]]:
    """The last line is ours; what the user's modules printed comes before it."""
    try:
        found = json.loads(output.splitlines()[-1])
    except (IndexError, ValueError):
        return []
    return found if isinstance(found, list) else []


def _not_importable(spec: ProcessSpec, problem: dict[str, Any]) -> Finding:
    where = _places(problem, spec.directory)
    at = "".join(f" ({place.file}:{place.line}   {place.text})" for place in where)
    return Finding(
        code="R0307",
        severity="error",
        message=f"{problem['entry']!r} cannot be imported",
        location=spec.location_of(problem["entry"]),
        found=f"{problem['reason']}{at}",
        effect=f"{spec.name} does not run",
        help="correct that line, or name another module:object here; modules are looked up in this folder",
        related=where,
    )


def _places(problem: dict[str, Any], folder: Path | None) -> tuple[Location, ...]:
    if not problem["file"]:
        return ()
    return (Location(file=_shown(problem["file"], folder), line=problem["line"], text=problem["text"]),)


def _shown(file: str, folder: Path | None) -> str:
    path = Path(file)
    return str(path.relative_to(folder)) if folder is not None and path.is_relative_to(folder) else file


def _port_in_use(spec: ProcessSpec, said: str) -> Finding:
    port = spec.ready.port if isinstance(spec.ready, Listening) else None
    return port_finding(port, found=said.splitlines()[-1], name=spec.name, location=spec.location)


def port_finding(port: int | None, *, found: str, name: str, location: Location | None = None) -> Finding:
    """A port that somebody else has."""
    return Finding(
        code="R0305",
        severity="error",
        message=f"the port{f' {port}' if port else ''} of {name} is in use",
        location=location,
        found=found,
        effect=f"{name} does not run",
        help="change port= here to a free one, or leave it out and let the command read PORT"
        if location
        else "end the program that listens there, or choose another: rung dev --port 8001",
    )


def _server(error: StartError) -> Finding:
    postgres = error.spec.name == "postgres"
    return Finding(
        code="R0302" if postgres else "R0304",
        severity="error",
        message=f"{'the embedded Postgres' if postgres else 'Redis'} does not start: {error.reason}",
        found=_indented(error.last_lines) or "nothing in its log",
        effect="nothing that needs it can run",
        help=f"free the disk or the port that its log names, or set RUNG_{error.spec.name.upper()}_URL",
    )


def _help_for(spec: ProcessSpec) -> str:
    if isinstance(spec.ready, Listening):
        return f"make the command listen on the port in PORT (here {spec.ready.port}) on 127.0.0.1"
    return "correct what its last lines say; rung dev starts it again"


def _as_predicate(reason: str) -> str:
    return reason if reason.startswith(("exited", "was", "ended")) else f"is {reason}"


def _indented(lines: Sequence[str]) -> str:
    return "\n          ".join(lines[-8:])
