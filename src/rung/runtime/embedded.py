"""Figures for CloudWatch as lines of the log, in its embedded metric format.

CloudWatch Logs makes metrics of such lines by itself, whoever brings them: no agent, no key, no call of an API
(AWS, "Embedding metrics within logs" and "Using the PutLogEvents API", read on 2026-11-21). They are written where
`RUNG_FIGURES` is `cloudwatch`: Terraform and the compose files of machines say so.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Mapping
from typing import TextIO

VARIABLE, WANTED = "RUNG_FIGURES", "cloudwatch"


def tell(
    namespace: str, figures: Mapping[str, float], *, node: str, now_seconds: float | None = None,
    out: TextIO | None = None,
) -> bool:  # fmt: skip
    """Write one line with `figures` of this workload, environment and `node`. False: nobody asks for them."""
    if os.environ.get(VARIABLE) != WANTED:
        return False
    moment = time.time() if now_seconds is None else now_seconds
    place = {
        "Workload": os.environ.get("RUNG_WORKLOAD", "workload"),
        "Environment": os.environ.get("RUNG_ENVIRONMENT", "local"),
        "Node": node,
    }
    metrics = [{"Name": name} for name in figures]
    described = {"Namespace": namespace, "Dimensions": [list(place)], "Metrics": metrics}
    line = {"_aws": {"Timestamp": int(moment * 1_000), "CloudWatchMetrics": [described]}, **place, **figures}
    print(json.dumps(line), file=out or sys.stdout, flush=True)
    return True
