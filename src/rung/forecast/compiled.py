"""Loops over requests, compiled where numba is installed and plain Python where it is not: the same code, the same
numbers, some fifty times slower.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

Function = TypeVar("Function", bound=Callable[..., Any])


def _compiler() -> Callable[[Any], Any] | None:
    try:
        from numba import njit
    except ImportError:
        return None
    # Without numba's counting of references to arrays, which costs more than the loops themselves: they make no
    # arrays, and their callers hold those that they get. Divisors are never 0 there either.
    options: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy", "_nrt": False}
    found: Callable[[Any], Any] = njit(**options)
    return found


_COMPILE = _compiler()
#: Whether loops run as machine code: `pip install 'rung[fast]'`.
COMPILED = _COMPILE is not None


def compiled(function: Function) -> Function:
    """`function` as machine code, or as it is. It may use numbers and arrays alone, and make none."""
    return function if _COMPILE is None else _COMPILE(function)
