"""Turning a letter into what one recipient reads.

The syntax is Jinja's, and only a part of it: names, their attributes, `if`, one level of `for`, and a few filters.
What a tenant writes is parsed and checked against that list before anything runs, so that there is no call, no
arithmetic and no nesting left that could take long or look around; the sandbox stands behind it.
(docs/adr/0023-track.md)
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from jinja2 import Environment, StrictUndefined, Template, nodes
from jinja2.exceptions import TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from track.problems import invalid

SOURCE_LENGTH_MAX = 200_000
RESULT_LENGTH_MAX = 400_000
FILTERS = frozenset({"upper", "lower", "title", "trim", "default", "first", "last", "length", "join", "truncate"})
_ALLOWED: tuple[type[nodes.Node], ...] = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Getattr, nodes.If, nodes.For, nodes.Filter,
    nodes.Const, nodes.Compare, nodes.Operand, nodes.Not, nodes.And, nodes.Or,
)  # fmt: skip


def _environment(*, escape: bool) -> Environment:
    found = ImmutableSandboxedEnvironment(autoescape=escape, undefined=StrictUndefined, cache_size=0)
    found.filters = {name: value for name, value in found.filters.items() if name in FILTERS}
    found.tests = {}
    found.globals = {}
    return found


_HTML = _environment(escape=True)
_TEXT = _environment(escape=False)


def check(source: str, *, what: str, field: str = "") -> None:
    """Raises Problem 422 that says what is not understood, in which line, and of which `field` of the body."""
    if len(source) > SOURCE_LENGTH_MAX:
        raise invalid(f"{what} is at most {SOURCE_LENGTH_MAX} characters", field=field)
    try:
        for line, said in _mistakes(_HTML.parse(source)):
            raise invalid(f"{what}, line {line}: {said}", field=field)
    except TemplateError as error:
        raise invalid(f"{what}, line {getattr(error, 'lineno', 1)}: {error}", field=field) from None
    except RecursionError:
        raise invalid(f"{what} is nested too deeply", field=field) from None


def _mistakes(tree: nodes.Template) -> Iterator[tuple[int, str]]:
    for node in tree.find_all(nodes.Node):
        if not isinstance(node, _ALLOWED):
            yield node.lineno, f"{type(node).__name__.lower()} is not understood here"
        if isinstance(node, nodes.Getattr) and (node.attr.startswith("_") or isinstance(node.node, nodes.Const)):
            yield node.lineno, f"there is no {node.attr!r}"
        if isinstance(node, nodes.Filter) and node.name not in FILTERS:
            yield node.lineno, f"there is no filter {node.name!r}"
        if isinstance(node, nodes.For) and (node.recursive or any(True for _ in _inner_loops(node))):
            yield node.lineno, "a loop within a loop"


def _inner_loops(loop: nodes.For) -> Any:
    for part in (*loop.body, *loop.else_):
        if isinstance(part, nodes.For):
            yield part
        yield from part.find_all(nodes.For)


@lru_cache(maxsize=512)
def _compiled(source: str, escape: bool) -> Template:
    check(source, what="the letter")
    return (_HTML if escape else _TEXT).from_string(source)


def render(source: str, variables: dict[str, Any], *, escape: bool) -> str:
    """The text for one recipient. Raises Problem 422 when a variable is missing or the result is too long."""
    try:
        parts, length = [], 0
        for part in _compiled(source, escape).generate(variables):
            parts.append(part)
            length += len(part)
            if length > RESULT_LENGTH_MAX:
                raise invalid(f"a mail is at most {RESULT_LENGTH_MAX} characters")
    except TemplateError as error:
        raise invalid(f"{error}"[:300]) from None
    except (TypeError, ValueError, AttributeError, RecursionError) as error:
        raise invalid(f"a variable has not the form that the letter expects: {error}"[:300]) from None
    return "".join(parts)


def render_line(source: str, variables: dict[str, Any]) -> str:
    """The same for a header: one line, whatever the variables hold."""
    return " ".join(render(source, variables, escape=False).split())[:500]
