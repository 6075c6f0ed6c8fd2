"""The run while it runs: one calm block of lines, redrawn in place."""

from __future__ import annotations

from collections import deque
from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from rung.load.histogram import Histogram
from rung.load.plan import Plan
from rung.load.run import Progress
from rung.load.table import milliseconds

_BARS = " ▁▂▃▄▅▆▇█"
_HISTORY = 48


def sparkline(values: list[float]) -> str:
    """A row of bars, the highest value full."""
    top = max(values, default=0.0)
    return "".join(_BARS[round(value / top * 8)] if top > 0 else _BARS[0] for value in values)


class LiveView:
    """Shows the progress of one run on a terminal; says one line per phase where there is none."""

    def __init__(self, plan: Plan, console: Console) -> None:
        self._plan = plan
        self._console = console
        self._progress = Progress(phase="connecting")
        self._rates: deque[float] = deque(maxlen=_HISTORY)
        self._p99s: deque[float] = deque(maxlen=_HISTORY)
        self._right = self._wrong = 0
        self._live = Live(self._draw(), console=console, refresh_per_second=2, transient=True)

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 traceback: TracebackType | None) -> None:  # fmt: skip
        if self._console.is_terminal:
            self._live.stop()

    def show(self, progress: Progress) -> None:
        """Take in where the run stands."""
        new_phase = progress.phase != self._progress.phase or progress.second is None
        self._progress = progress
        if progress.second is not None:
            self._rates.append(progress.second.succeeded)
            self._p99s.append(Histogram(progress.latency).percentile_us(99) / 1000)
            self._right += progress.second.succeeded
            self._wrong += progress.second.failed
        if self._console.is_terminal:
            self._live.update(self._draw())
        elif new_phase:
            self._console.print(self._headline())

    def _headline(self) -> str:
        plan = self._plan
        told = {
            "connecting": f"connecting {plan.users:,} users to {plan.target}",
            "warming up": f"warming up for {plan.warmup_seconds:g} s",
            "measuring": f"measuring for {plan.duration_seconds:g} s at {plan.rate:,.0f}/s",
            "draining": "waiting for the last answers",
        }
        return told[self._progress.phase]

    def _draw(self) -> RenderableType:
        done = self._progress.index + 1 if self._progress.second is not None else 0
        bar = ProgressBar(total=max(1.0, self._plan.duration_seconds), completed=done, width=_HISTORY)
        lines = Table.grid(padding=(0, 2))
        lines.add_row("", bar, f"{done:g} of {self._plan.duration_seconds:g} s")
        second = self._progress.second
        if second is not None:
            lines.add_row("right answers", sparkline(list(self._rates)),
                          f"{second.succeeded:,}/s of {second.offered:,}/s offered")  # fmt: skip
            lines.add_row("p99", sparkline(list(self._p99s)), milliseconds(self._p99s[-1]))
            wrong = Text(f"{self._wrong:,}", style="red" if self._wrong else "")
            lines.add_row("errors", wrong, f"{second.in_flight:,} in flight, {second.waiting:,} waiting")
        return Group(Text(self._headline(), style="bold"), lines)
