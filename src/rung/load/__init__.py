"""Open-loop load from a workload's own traffic model: `rung load`, and the pieces to write journeys with."""

from __future__ import annotations

from rung.load.journey import Journey as Journey
from rung.load.journey import Response as Response
from rung.load.journey import Step as Step
from rung.load.journey import User as User
from rung.load.journey import capture as capture

__all__ = ["Journey", "Response", "Step", "User", "capture"]
