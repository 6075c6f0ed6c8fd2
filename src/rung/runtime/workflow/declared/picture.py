"""A definition as a picture, before anything of it has run."""

from __future__ import annotations

from rung.runtime.workflow.declared.states import Definition, Map, Parallel, State, targets_of
from rung.runtime.workflow.picture import Box, Picture


def picture_of_definition(definition: Definition) -> Picture:
    """Every state a box, in the order in which they are reached; branches hang below their state."""
    boxes: list[Box] = []
    edges: list[tuple[str, str, str]] = []
    _draw(definition, "", 0, 0, boxes, edges)
    return Picture(title=definition.name, boxes=tuple(boxes), edges=tuple(edges))


def _draw(
    definition: Definition, prefix: str, row: int, column: int, boxes: list[Box], edges: list[tuple[str, str, str]]
) -> int:
    """Add a definition's boxes below each other; the row after the last."""
    for name in _reached(definition):
        state = definition.state(name)
        key = f"{prefix}{name}"
        boxes.append(Box(key=key, title=name, remark=type(state).__name__.lower(), row=row, column=column))
        edges += [(key, f"{prefix}{target}", word) for target, word in targets_of(state)]
        row += 1
        last = row
        for offset, branch in enumerate(_inner(state)):
            inner = f"{key}/{offset}/"
            edges.append((key, f"{inner}{branch.start}", "each" if isinstance(state, Map) else ""))
            last = max(last, _draw(branch, inner, row, column + 1 + offset, boxes, edges))
        row = last
    return row


def _inner(state: State) -> tuple[Definition, ...]:
    if isinstance(state, Parallel):
        return state.branches
    return (state.each,) if isinstance(state, Map) else ()


def _reached(definition: Definition) -> list[str]:
    """The names of the states, the start first, each before what it leads to where there is no way back."""
    names, waiting = [], [definition.start]
    while waiting:
        name = waiting.pop(0)
        if name not in names:
            names.append(name)
            waiting += [target for target, _ in targets_of(definition.state(name))]
    return names
