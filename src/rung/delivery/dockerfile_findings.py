"""What goes wrong with Dockerfiles once they run somewhere else: findings R0901 to R0908, each with its line."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from rung.delivery.dockerfile import Instruction, Stage, lineage, stages
from rung.errors import Finding, Severity

_SECRET = re.compile(
    r"(?:^|_)(?:PASSWORD|PASSWD|SECRET|TOKEN|API_?KEY|ACCESS_?KEY|PRIVATE_?KEY|CREDENTIALS?)(?:_|$)"
)
_LOOPBACK = re.compile(
    r"(?:--host[= ]|--bind[= ]|-b[= ]?|--hostname[= ]|-H[= ]?|runserver )(?:127\.0\.0\.1|localhost)(?![\w.])"
)
_INSTALLS = re.compile(
    r"\b(?:apk\s+(?:\S+\s+)*?add|apt-get\s+(?:\S+\s+)*?install|apt\s+(?:\S+\s+)*?install)\b([^;&|]*)"
)
_ENV_FILE = re.compile(r"(?:\S*/)?\.env(?:\.(?!example|sample|template)\w+)?")
_FETCHERS = ("curl", "wget")
#: Servers that listen on the loopback alone unless told otherwise, and what tells them.
_LOOPBACK_BY_DEFAULT = {
    "uvicorn": ("--host", "--uds", "--fd"),
    "hypercorn": ("--bind", "-b"),
    "flask": ("--host", "-h"),
    "gunicorn": ("--bind", "-b", "--config", "-c"),
}


def dockerfile_findings(text: str, path: str) -> tuple[Finding, ...]:
    """Everything that is known to go wrong with this Dockerfile. Secrets are named, their values never shown."""
    every = stages(text, path)
    if not every:
        return ()
    final = lineage(every, every[-1])
    checks: tuple[Callable[[list[Stage]], Iterator[Finding]], ...] = (
        _missing_fetcher, _localhost, _no_timezone_data, _loopback, _root, _shell_form,
    )  # fmt: skip
    found = [finding for check in checks for finding in check(final)]
    found += _moving_tags(every)
    found += _secrets(every)
    return tuple(
        sorted(found, key=lambda finding: (finding.location.line if finding.location else 0, finding.code))
    )


def _place(finding: Finding) -> tuple[int, str]:
    return (finding.location.line if finding.location else 0, finding.code)


def _missing_fetcher(final: list[Stage]) -> Iterator[Finding]:
    """Images named alpine have BusyBox's wget and no curl; slim ones have neither; distroless not even a shell."""
    base = final[-1].base
    installed = _installed(final)
    for check in _health_checks(final):
        for program in _FETCHERS:
            missing = _lacks(base, program) and program not in installed
            if missing and re.search(rf"(?<![\w-]){program}(?![\w-])", check.text):
                yield _finding(
                    "R0901", "error", f"the health check calls {program}, which is not in the image", check,
                    found=f"the image is built on {base}, and nothing installs {program}",
                    effect="every check fails, and healthy containers are replaced for ever",
                    help="ask with the language's own client, for example python -c "
                    "\"import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/health', timeout=4)\"",
                )  # fmt: skip


def _localhost(final: list[Stage]) -> Iterator[Finding]:
    for check in _health_checks(final):
        if re.search(r"(?<![\w.-])localhost(?![\w.-])", check.text):
            yield _finding(
                "R0902", "warning", "the health check asks localhost, which may be an IPv6 address", check,
                found="localhost; on Alpine it resolves to ::1 first",
                effect="a server that listens on IPv4 alone is called unhealthy while it works",
                help="ask http://127.0.0.1 instead",
            )  # fmt: skip


def _no_timezone_data(final: list[Stage]) -> Iterator[Finding]:
    if "alpine" in final[-1].base and "tzdata" not in _installed(final):
        zone = next((each for each in _of(final, "ENV") if re.search(r"(?:^|\s)TZ[= ]", each.text)), None)
        yield _finding(
            "R0903", "note" if zone is None else "warning", "the image has no time zone data",
            zone or final[0].origin,
            found=f"{final[-1].base}, and nothing installs tzdata",
            effect="every named zone reads as UTC: local times in logs and schedules are wrong without an error",
            help="RUN apk add --no-cache tzdata, and ENV TZ=UTC",
        )  # fmt: skip


def _loopback(final: list[Stage]) -> Iterator[Finding]:
    for start in _starts(final):
        said = _LOOPBACK.search(" ".join(start.words))
        default = None if said else _listens_on_loopback(start)
        if said or default:
            yield _finding(
                "R0904", "error", "the application listens inside of its container only", start,
                found=said[0].strip() if said else f"{default} without an address listens on 127.0.0.1",
                effect="the load balancer and other containers are refused: no health check passes",
                help="listen on 0.0.0.0; what may connect is decided by networks and security groups",
            )  # fmt: skip


def _root(final: list[Stage]) -> Iterator[Finding]:
    users = list(_of(final, "USER"))
    base = final[-1].base
    if not users and "nonroot" in base:
        return
    user = users[-1].text.split(":")[0] if users else ""
    if user in ("", "root", "0"):
        yield _finding(
            "R0905", "warning", "the application runs as root", users[-1] if users else final[0].origin,
            found=f"USER {user}" if user else "no USER in the last stage",
            effect="whoever takes over the process owns the container, and what is mounted in it",
            help="RUN useradd --system --uid 10001 app, then USER 10001",
        )  # fmt: skip


def _shell_form(final: list[Stage]) -> Iterator[Finding]:
    for start in _starts(final):
        if start.listed is None and not start.text.lstrip().startswith("exec "):
            yield _finding(
                "R0908", "warning", "a shell is process 1, and the application never hears SIGTERM", start,
                found=f"{start.name} in its shell form",
                effect="a deployment waits for the stop timeout and then kills requests in flight",
                help=f'write {start.name} ["program", "argument"], or begin the command with exec',
            )  # fmt: skip


def _moving_tags(every: list[Stage]) -> Iterator[Finding]:
    aliases = {stage.alias for stage in every if stage.alias}
    for stage in every:
        image, _, digest = stage.base.partition("@")
        name, _, tag = image.rpartition("/")[2].partition(":")
        if digest or name.lower() in aliases or name == "scratch" or "$" in stage.base:
            continue
        if tag in ("", "latest"):
            yield _finding(
                "R0906", "warning", f"the image {name} is whatever its newest version is that day", stage.origin,
                found=f"{stage.base}, without a version" if not tag else stage.base,
                effect="the same commit builds different images, and a rollback does not bring the old one back",
                help=f"name a version: {name}:<version>, or {name}:<version>@sha256:<digest>",
            )  # fmt: skip


def _secrets(every: list[Stage]) -> Iterator[Finding]:
    for stage in every:
        for each in stage.of("ENV", "ARG"):
            names = [name for name in _names_set(each) if _SECRET.search(name.upper()) and _is_value(each, name)]
            for name in names:
                yield _finding(
                    "R0907", "error", f"{name} looks like a secret, and becomes part of the image", each,
                    found=f"{each.name} {name}",
                    effect="everybody who can pull the image can read it, even when a later layer deletes it",
                    help="read it when running (rung.runtime.secret), or for a build: RUN --mount=type=secret",
                )  # fmt: skip
        for each in stage.of("COPY", "ADD"):
            if any(_ENV_FILE.fullmatch(word) for word in each.words[:-1]):
                yield _finding(
                    "R0907", "error", "a file of secrets becomes part of the image", each,
                    found=each.text.split()[0],
                    effect="everybody who can pull the image can read it",
                    help="leave it out, name it in .dockerignore, and read secrets when running",
                )  # fmt: skip


def _names_set(instruction: Instruction) -> list[str]:
    if "=" not in instruction.text:
        return instruction.text.split()[:1]
    return re.findall(r"(?:^|\s)([A-Za-z_]\w*)(?==)", instruction.text)


def _is_value(instruction: Instruction, name: str) -> bool:
    """Whether the text sets something: a path (`…_FILE`) or another variable's value is none."""
    if name.upper().endswith(("_FILE", "_PATH", "_ARN", "_NAME", "_ID", "_URL")):
        return False
    value = re.search(rf"(?:^|\s){name}(?:=|\s+)(\S*)", instruction.text)
    text = value[1].strip("\"'") if value else ""
    return instruction.name == "ARG" or bool(text and not text.startswith("$"))


def _listens_on_loopback(start: Instruction) -> str | None:
    words = [word.rpartition("/")[2] for word in start.words]
    for server, arguments in _LOOPBACK_BY_DEFAULT.items():
        position = words.index(server) if server in words else -1
        told = any(word.startswith(arguments) for word in words[position + 1 :])
        if position >= 0 and not told and not (server == "flask" and "run" not in words):
            return server
    if "runserver" in words and not any(re.search(r"0\.0\.0\.0|\[?::\]?:|^0:", word) for word in words):
        return "runserver"
    return None


def _lacks(base: str, program: str) -> bool:
    if "distroless" in base or base == "scratch":
        return True
    return program == "curl" if "alpine" in base else "slim" in base


def _installed(final: list[Stage]) -> set[str]:
    """Packages that the last stage, or one it is built on, installs; programs copied in by name count too."""
    found: set[str] = set()
    for run in _of(final, "RUN"):
        for packages in _INSTALLS.findall(run.text):
            found.update(re.split(r"[=<>~]", word)[0] for word in packages.split() if not word.startswith("-"))
    for copy in _of(final, "COPY", "ADD"):
        found.update(word.rpartition("/")[2] for word in copy.words)
    return found


def _health_checks(final: list[Stage]) -> list[Instruction]:
    return [each for each in list(_of(final, "HEALTHCHECK"))[-1:] if each.text.upper() != "NONE"]


def _starts(final: list[Stage]) -> list[Instruction]:
    """The instructions that say what runs: the last ENTRYPOINT and the last CMD."""
    return [start for name in ("ENTRYPOINT", "CMD") for start in list(_of(final, name))[-1:]]


def _of(final: list[Stage], *names: str) -> Iterator[Instruction]:
    """The instructions of the whole lineage, the oldest first."""
    return (each for stage in reversed(final) for each in stage.of(*names))


def _finding(
    code: str, severity: Severity, message: str, at: Instruction, *, found: str, effect: str, help: str  # noqa: A002
) -> Finding:  # fmt: skip
    return Finding(
        code=code, severity=severity, message=message, location=at.location, found=found, effect=effect, help=help
    )  # fmt: skip
