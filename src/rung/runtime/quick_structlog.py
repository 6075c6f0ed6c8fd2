"""Imports structlog without rich, which it loads for the console alone: half of the time of its import.

`rung.runtime.log` takes structlog from here. Every process of a workload logs, and on a laptop six of them
start at once. rich itself stays importable, and a program that has imported it keeps structlog's use of it.
"""

from __future__ import annotations

import os
import sys

__all__ = ["structlog"]

_without_rich = os.environ.get("RUNG_LOG_FORMAT", "json") != "console" and "rich" not in sys.modules
if _without_rich:
    sys.modules["rich"] = None  # type: ignore[assignment]  # "not there", says the import system
try:
    import structlog
    import structlog.tracebacks
finally:
    if _without_rich:
        del sys.modules["rich"]
