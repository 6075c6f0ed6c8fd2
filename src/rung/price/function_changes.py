"""Changes that might save where functions answer: a load balancer before them, ARM. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from rung.parts.design import Design, Part
from rung.parts.edge import Distribution, LoadBalancer
from rung.parts.functions import HttpApi, LambdaFunction
from rung.parts.network import Network


def balanced(part: Part, design: Design) -> Iterator[tuple[Part, ...]]:
    """A load balancer in place of an HTTP API: by the hour and the byte, where the API is paid by the request.

    It needs a network, and CloudFront before it: where neither is, the two are not alike.
    """
    doors = design.of(Distribution)
    if not isinstance(part, HttpApi) or not doors or not design.of(Network):
        return
    balancer = LoadBalancer(name=part.name, node=part.node, internal=True, forwards=part.forwards)
    yield balancer, *(replace(door, api=None, load_balancer=part.name) for door in doors)


def on_arm(part: Part) -> Iterator[tuple[Part, ...]]:
    """The same function on ARM."""
    if isinstance(part, LambdaFunction) and part.architecture == "x86_64":
        yield (replace(part, architecture="arm64"),)
