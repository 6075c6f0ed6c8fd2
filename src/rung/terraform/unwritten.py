"""Rungs that can be placed, priced and forecast, and for which no Terraform is written yet."""

from __future__ import annotations

from rung.errors import Finding, ModelError
from rung.parts.design import Design

UNWRITTEN = {"eks": "its cluster, nodes and Deployments", "serverless": "its functions and their API"}


def is_written(design: Design) -> bool:
    """Whether Terraform can be written for it."""
    return design.rung not in UNWRITTEN


def refuse_unwritten(design: Design) -> None:
    """Raise ModelError R1003 when the design stands on such a rung."""
    what = UNWRITTEN.get(design.rung)
    if what is None:
        return
    options = f"--env {design.environment} --rung {design.rung}"
    raise ModelError(
        Finding(
            code="R1003", severity="error", message=f"no Terraform is written for the rung {design.rung} yet",
            location=design.location(design.environment) or design.location("@workload"),
            found=f'the environment "{design.environment}" on {design.rung}: there are no modules for {what}',
            effect="nothing was written",
            help=f"ask what it would cost and do: rung estimate {options}, rung forecast {options}, rung advise; "
            "write rung='box', 'host' or 'fargate' for what can be built today",
        )
    )  # fmt: skip
