"""How things are called in the root: labels, full names, and expressions that point at another block."""

from __future__ import annotations

from rung.parts.design import Design, Part
from rung.parts.values import Document, Reference, Sequence, Value
from rung.terraform.hcl import Call, Expression, Raw, Text


def label(part: str) -> str:
    """The label of a part's block: `orders-payment` is `module.orders_payment`."""
    return part.replace("-", "_")


def environment_name(design: Design) -> str:
    """What the name of everything begins with: `shop-production`."""
    return f"{design.workload}-{design.environment}"


def full_name(design: Design, part: str) -> str:
    """What the part is called in AWS: `shop-production-orders-payment`."""
    return f"{environment_name(design)}-{part}"


def output(part: str, name: str) -> Raw:
    """The output of another block: `module.db.endpoint`."""
    return Raw(f"module.{label(part)}.{name}")


def of_value(value: Value) -> Expression:
    """A value of the design as an expression: what is late becomes a reference to a block."""
    match value:
        case Reference():
            return _of_reference(value)
        case Document():
            return Call("jsonencode", (plain(value),))
        case Sequence():
            return Call("jsonencode", (plain(value),))
        case _:
            return value


def of_resource(resource: Reference | str) -> Expression:
    """An ARN that is known, or one that a block will tell."""
    return resource if isinstance(resource, str) else _of_reference(resource)


def as_environment(value: Value) -> Expression:
    """The same as text: environment variables are strings."""
    expression = of_value(value)
    if isinstance(expression, bool):
        return "true" if expression else "false"
    return f"{expression:g}" if isinstance(expression, float) else (
        str(expression) if isinstance(expression, int) else expression
    )  # fmt: skip


def workload_line(design: Design, node: str) -> str:
    """` (workload.py:15)`, or nothing for what no line asks for."""
    location = design.location(node)
    return "" if location is None else f" ({location.file.rsplit('/', 1)[-1]}:{location.line})"


def sentence(design: Design, part: Part, words: str) -> str:
    """The comment before a part's block: what it is, why it is there if that is said, and where it comes from.

    What no node asked for says why it is there instead: its line is the workload's own.
    """
    if part.node.startswith("@") and part.why:
        return f"{part.name}: {part.why}"
    why = f": {part.why}" if part.why else ""
    return f"{words}{why}{workload_line(design, part.node)}"


def _of_reference(reference: Reference) -> Expression:
    expression = output(reference.part, reference.output)
    if not reference.prefix and not reference.suffix:
        return expression
    return Text(tuple(piece for piece in (reference.prefix, expression, reference.suffix) if piece))


def plain(value: Value) -> Expression:
    """A value inside a JSON document: inner documents are objects there, not text."""
    match value:
        case Document(fields=fields):
            return {name: plain(each) for name, each in fields}
        case Sequence(items=items):
            return [plain(each) for each in items]
        case _:
            return of_value(value)
