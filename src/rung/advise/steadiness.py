"""Does the answer survive inputs that are ten percent off, and is it clear? If not, it is a toss-up. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

from rung.advise.comparing import Comparison, World, ranked
from rung.advise.weighing import Option

#: A difference smaller than this share of all dollars is no difference: hours and outages are known less well.
CLEAR = 0.05
#: A rung beyond this many times the dollars of the best is no rival nearby.
REACH = 1.5
#: How far off an input may be. Common to all rungs: the same visitors, the same revenue, the same handlers.
NOISE = 0.10
_NAMES = ("traffic", "revenue", "CPU of a request")


@dataclass(frozen=True, slots=True, kw_only=True)
class Steadiness:
    """The share of the worlds nearby in which the same rung is best; `rival` is what wins in the others."""

    share: float
    rival: str | None
    when: str

    @property
    def steady(self) -> bool:
        """Whether no world nearby says anything else."""
        return self.rival is None


def steadiness_of(comparison: Comparison, best: Option) -> Steadiness:
    """The eight corners around what the workload says; where none says otherwise, whether the next is far away."""
    near = _near(comparison, best)
    corners = list(product((1 - NOISE, 1 + NOISE), repeat=3))
    winners = [(corner, _winner(comparison, corner, near)) for corner in corners]
    others = [(corner, winner) for corner, winner in winners if winner != best.rung]
    if not others:
        close = _close(comparison, best)
        return Steadiness(share=1.0, rival=close, when="" if close is None else "less than 5 % of all dollars")
    corner, rival = others[0]
    said = [f"{name} {factor - 1:+.0%}" for name, factor in zip(_NAMES, corner, strict=True)]
    return Steadiness(share=1 - len(others) / len(corners), rival=rival, when=", ".join(said))


def _close(comparison: Comparison, best: Option) -> str | None:
    """A rung with the same limits that costs hardly more."""
    second = next((each for each in ranked(comparison.options()) if each.rung != best.rung), None)
    if second is None or {each.kind for each in second.limits} != {each.kind for each in best.limits}:
        return None
    return second.rung if second.total_usd < best.total_usd * (1 + CLEAR) else None


def _near(comparison: Comparison, best: Option) -> tuple[str, ...]:
    """The rungs that ten percent of anything could bring to the top: nothing moves a total by half."""
    return tuple(each.rung for each in comparison.options() if each.total_usd < best.total_usd * REACH)


def _winner(comparison: Comparison, corner: tuple[float, ...], near: tuple[str, ...]) -> str:
    traffic, revenue, cpu = corner
    world = World(traffic=traffic, revenue=revenue, cpu=cpu)
    return ranked([comparison.option(rung, world) for rung in near])[0].rung
