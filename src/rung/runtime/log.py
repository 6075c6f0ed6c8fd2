"""The log: one JSON object per line on stdout, with the correlation id, tenant and user of the current action.

    log = logger(__name__)
    log.info("order placed", order_id=order.id, duration_ms=12.5)

Loggers of this module work before and without `configure_logging`; the process runners call it to bring the
standard library's loggers, warnings and an application's own `structlog.get_logger()` into the same stream.
`RUNG_LOG_FORMAT` is `json` (the default) or `console`; `RUNG_LOG_LEVEL` is the least level written (`info`);
both are read once, when this module is imported or `configure_logging` runs.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, MutableMapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from rung.runtime.context import current_or_none
from rung.runtime.masking import MASK, Secret, is_secret_name, mask_text, masked
from rung.runtime.quick_structlog import structlog
from rung.runtime.text import keepable

__all__ = ["Secret", "configure_logging", "logger"]

Logger = structlog.typing.FilteringBoundLogger
Renderer = Callable[[dict[str, Any]], bytes]

_MAX_FRAMES = 20
#: Fields that we set ourselves, and whose values are never searched for secrets.
_OWN_FIELDS = frozenset({"time", "level", "logger", "node", "correlation_id", "tenant", "duration_ms"})


def logger(name: str) -> Logger:
    """The logger of a module: `log = logger(__name__)`. Safe at module level; costs a few microseconds."""
    bound: Logger = structlog.wrap_logger(
        _OUTPUT, processors=[_process], wrapper_class=_LEVEL_CLASS, context_class=dict
    ).bind(logger=name)
    return bound


def configure_logging(*, node: str | None = None, format: str | None = None) -> None:  # noqa: A002
    """Make this process's whole log one stream. Idempotent.

    `node` is the name in every line (default: RUNG_NODE); `format` is `json` or `console`.
    """
    _settings.node = node or os.environ.get("RUNG_NODE", "")
    _settings.render = _renderer(format or os.environ.get("RUNG_LOG_FORMAT", "json"))
    structlog.configure(
        processors=[_process],
        wrapper_class=_LEVEL_CLASS,
        context_class=dict,
        logger_factory=lambda *_: _OUTPUT,
        cache_logger_on_first_use=True,
    )
    root = logging.getLogger()
    root.handlers[:] = [_StandardHandler()]
    root.setLevel(_LEVEL)
    logging.captureWarnings(capture=True)


class _Output:
    """Where lines go: whatever sys.stdout is at that moment. One write per line keeps processes' lines whole."""

    def msg(self, line: bytes) -> None:
        """Write one line and flush it."""
        stream = getattr(sys.stdout, "buffer", None)
        if stream is None:
            sys.stdout.write(line.decode())
        else:
            stream.write(line)
        sys.stdout.flush()

    debug = info = warning = warn = error = critical = fatal = exception = log = failure = msg


class _StandardHandler(logging.Handler):
    """Third parties that use `logging` write into the same stream, masked in the same way."""

    def emit(self, record: logging.LogRecord) -> None:
        """One record as one line; what cannot be formatted is reported as logging does."""
        try:
            event: dict[str, Any] = {"logger": record.name, "event": record.getMessage()}
            if record.exc_info:
                event["exc_info"] = record.exc_info
            _OUTPUT.msg(_process(None, record.levelname.lower(), event))
        except Exception:  # noqa: BLE001 - a log line must never break the application
            self.handleError(record)


def _process(_: Any, level: str, event: MutableMapping[str, Any]) -> bytes:
    """From what the caller said to the line: stamped, joined with the context, masked, rendered."""
    line: dict[str, Any] = {
        "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "level": "error" if level == "exception" else level,
        "event": "",
        "node": _settings.node,
    }
    context = current_or_none()
    if context is not None:
        line["correlation_id"] = context.correlation_id
        if context.tenant is not None:
            line["tenant"] = context.tenant.id
        if context.user is not None:
            line["user"] = context.user
    error = event.pop("exc_info", None)
    for name, value in event.items():
        line[name] = value if name in _OWN_FIELDS else MASK if is_secret_name(name) else masked(value)
    if error or level == "exception":
        line["exception"] = _exception(error)
    return _settings.render(line)


def _exception(given: Any) -> Any:
    if isinstance(given, BaseException):
        information: Any = (type(given), given, given.__traceback__)
    else:
        information = given if isinstance(given, tuple) else sys.exc_info()
    if information[0] is None:
        return None
    stacks = _describe(information)
    for stack in stacks:
        stack["exc_value"] = mask_text(stack["exc_value"])
        for unused in ("syntax_error", "is_cause", "is_group", "exceptions", "exc_notes"):
            if not stack.get(unused):
                stack.pop(unused, None)
    return stacks


def _describe(information: Any) -> list[dict[str, Any]]:
    # Locals are left out: they are where secrets live.
    transform = structlog.tracebacks.ExceptionDictTransformer(show_locals=False, max_frames=_MAX_FRAMES)
    return transform(information)


def _render_json(line: dict[str, Any]) -> bytes:
    try:
        return _encoder.encode(line) + b"\n"
    except (
        UnicodeEncodeError
    ):  # half of a character, from a file's name or somebody's JSON: a log line breaks nobody
        import json

        return (
            json.dumps(line, default=lambda value: mask_text(str(value)), separators=(",", ":")).encode() + b"\n"
        )


def _render_console(line: dict[str, Any]) -> bytes:
    exception = line.pop("exception", None)
    shown = {"timestamp": line.pop("time"), **{name: value for name, value in line.items() if value != ""}}
    text = str(_console()(None, line["level"], shown))
    for stack in exception or ():
        frames = "".join(f"\n    {f['filename']}:{f['lineno']} in {f['name']}" for f in stack["frames"])
        text += f"\n  {stack['exc_type']}: {stack['exc_value']}{frames}"
    return keepable(text).encode() + b"\n"


def _console() -> structlog.dev.ConsoleRenderer:
    if _settings.console is None:
        _settings.console = structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty(), pad_event_to=30)
    return _settings.console


def _renderer(name: str) -> Renderer:
    return _render_console if name == "console" else _render_json


class _Settings:
    """What `configure_logging` may change under loggers that exist already."""

    __slots__ = ("console", "node", "render")

    def __init__(self) -> None:
        self.node = os.environ.get("RUNG_NODE", "")
        self.render: Renderer = _renderer(os.environ.get("RUNG_LOG_FORMAT", "json"))
        self.console: structlog.dev.ConsoleRenderer | None = None


_encoder = msgspec.json.Encoder(enc_hook=lambda value: mask_text(str(value)))
_OUTPUT = _Output()
_LEVEL = logging.getLevelNamesMapping().get(os.environ.get("RUNG_LOG_LEVEL", "info").upper(), logging.INFO)
_LEVEL_CLASS = structlog.make_filtering_bound_logger(_LEVEL)
_settings = _Settings()
