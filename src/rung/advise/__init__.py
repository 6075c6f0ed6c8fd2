"""Which rung a business has earned: every rung placed, priced and weighed in dollars, one recommended. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rung.advise.advice import Advised as Advised
    from rung.advise.advice import advise as advise

__all__ = ["Advised", "advise"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'rung.advise' has no attribute {name!r}")
    from rung.advise import advice

    return getattr(advice, name)
