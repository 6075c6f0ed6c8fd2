"""Plots as inline SVG: no script, no font, no request. Colours come from the page's style sheet.

Every plot is drawn twice, wide and narrow, because an SVG that is scaled down takes its letters with it;
the style sheet shows the one that fits.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from html import escape

_AIM_FITS = 4.0  # an aim further above the curve than this would flatten it, and is left to the table
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 14, 14, 34


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One curve. `style` names its CSS class; None in `values` leaves a gap."""

    name: str
    style: str
    values: Sequence[float | None]
    filled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """A stretch of the x axis to set apart, with a label."""

    start: float
    end: float
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """A line plot. `x` holds positions, `x_ticks` (position, label)."""

    identity: str
    title: str
    description: str
    x: Sequence[float]
    x_ticks: Sequence[tuple[float, str]]
    x_label: str
    lines: Sequence[Line]
    y_label: Callable[[float], str]
    logarithmic: bool = False
    aim: tuple[float, str] | None = None
    bands: Sequence[Band] = field(default=())
    tips: Sequence[str] = field(default=())


def draw(plot: Plot) -> str:
    """The plot, wide and narrow, without its heading."""
    return f'<div class="wide">{_draw(plot, 860, 300)}</div><div class="narrow">{_draw(plot, 340, 260)}</div>'


def legend(plot: Plot) -> str:
    """What each line is, as text with a sample of the line."""
    items = [
        f'<li><svg width="28" height="10" aria-hidden="true"><path class="line {line.style}" d="M1 5H27"/></svg>'
        f"{escape(line.name)}</li>"
        for line in plot.lines
    ]
    if plot.aim is not None and plot.aim[0] <= _AIM_FITS * _highest(plot):
        items.append('<li><svg width="28" height="10" aria-hidden="true"><path class="aim" d="M1 5H27"/></svg>'
                     f"{escape(plot.aim[1])}</li>")  # fmt: skip
    return f'<ul class="legend">{"".join(items)}</ul>'


def nice_ticks(highest: float, count: int = 4) -> list[float]:
    """Round numbers from 0 to just above `highest`."""
    if highest <= 0:
        return [0.0, 1.0]
    step = 10 ** math.floor(math.log10(highest / count))
    step *= next(factor for factor in (1, 2, 5, 10) if highest / (step * factor) <= count)
    return [step * index for index in range(math.ceil(highest / step - 1e-9) + 1)]


def log_ticks(lowest: float, highest: float) -> list[float]:
    """1, 2, 5 per power of ten (1 and 3 when there are many powers), around the values."""
    low, high = math.floor(math.log10(lowest)), math.ceil(math.log10(highest))
    factors = (1.0, 3.0) if high - low > 3 else (1.0, 2.0, 5.0)
    ticks = [factor * 10.0**power for power in range(low, high + 1) for factor in factors]
    below = [tick for tick in ticks if tick <= lowest][-1:]
    above = [tick for tick in ticks if tick >= highest][:1]
    return [tick for tick in ticks if (below or ticks)[0] <= tick <= (above or ticks[-1:])[0]]


def _highest(plot: Plot) -> float:
    return max((value for line in plot.lines for value in line.values if value is not None), default=1.0)


class _Frame:
    """From values to places on the canvas."""

    def __init__(self, plot: Plot, width: int, height: int) -> None:
        self.width, self.height = width, height
        present = [value for line in plot.lines for value in line.values if value is not None]
        highest = _highest(plot)
        if plot.aim is not None and plot.aim[0] <= _AIM_FITS * highest:
            highest = max(highest, plot.aim[0])
        self.logarithmic = plot.logarithmic and highest > 0
        if self.logarithmic:
            self.ticks = log_ticks(min((value for value in present if value > 0), default=highest / 10), highest)
        else:
            self.ticks = nice_ticks(highest)
        self._x_low, self._x_high = min(plot.x, default=0.0), max(plot.x, default=1.0)

    def x(self, value: float) -> float:
        span = (self._x_high - self._x_low) or 1.0
        value = min(max(value, self._x_low), self._x_high)
        return _LEFT + (value - self._x_low) / span * (self.width - _LEFT - _RIGHT)

    def y(self, value: float) -> float:
        low, high = self.ticks[0], self.ticks[-1]
        if self.logarithmic:
            value = min(max(value, low), high)
            part = math.log(value / low) / (math.log(high / low) or 1.0)
        else:
            part = (value - low) / ((high - low) or 1.0)
        return self.height - _BOTTOM - part * (self.height - _TOP - _BOTTOM)


def _draw(plot: Plot, width: int, height: int) -> str:
    frame = _Frame(plot, width, height)
    name = f"{plot.identity}-{width}"
    parts = [
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-labelledby="{name}-t {name}-d">',
        f'<title id="{name}-t">{escape(plot.title)}</title><desc id="{name}-d">{escape(plot.description)}</desc>',
        *_bands(plot, frame),
        *_axes(plot, frame),
        *(_area(line, plot, frame) for line in plot.lines if line.filled),
        *(_path(line, plot, frame) for line in plot.lines),
        *_aim(plot, frame),
        *_tips(plot, frame),
        "</svg>",
    ]
    return "".join(parts)


def _bands(plot: Plot, frame: _Frame) -> list[str]:
    parts = []
    bottom = frame.height - _BOTTOM
    for band in plot.bands:
        left, right = frame.x(band.start), frame.x(band.end)
        parts.append(
            f'<rect class="band" x="{left:.1f}" y="{_TOP}" width="{right - left:.1f}" height="{bottom - _TOP}"/>'
        )
        parts.append(f'<text class="band-label" x="{left + 5:.1f}" y="{_TOP + 14}">{escape(band.label)}</text>')
    return parts


def _axes(plot: Plot, frame: _Frame) -> list[str]:
    parts = []
    right, bottom = frame.width - _RIGHT, frame.height - _BOTTOM
    for tick in frame.ticks:
        y = frame.y(tick)
        parts.append(f'<path class="grid" d="M{_LEFT} {y:.1f}H{right}"/>')
        parts.append(f'<text class="tick end" x="{_LEFT - 8}" y="{y + 4:.1f}">{escape(plot.y_label(tick))}</text>')
    every = max(1, math.ceil(len(plot.x_ticks) * 64 / (right - _LEFT)))
    for position, label in plot.x_ticks[::every]:
        x = frame.x(position)
        anchor = "end" if x > right - 14 else "middle"
        parts.append(f'<path class="grid" d="M{x:.1f} {bottom}v4"/>')
        parts.append(f'<text class="tick {anchor}" x="{x:.1f}" y="{bottom + 17}">{escape(label)}</text>')
    parts.append(f'<text class="tick end" x="{right}" y="{frame.height - 3}">{escape(plot.x_label)}</text>')
    return parts


def _points(line: Line, plot: Plot, frame: _Frame) -> list[list[tuple[float, float]]]:
    runs: list[list[tuple[float, float]]] = [[]]
    for position, value in zip(plot.x, line.values, strict=True):
        if value is None:
            runs.append([])
        else:
            runs[-1].append((frame.x(position), frame.y(value)))
    return [run for run in runs if run]


def _path(line: Line, plot: Plot, frame: _Frame) -> str:
    pieces = []
    for run in _points(line, plot, frame):
        if len(run) == 1:
            run = [run[0], (run[0][0] + 1.5, run[0][1])]
        pieces.append("M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in run))
    return f'<path class="line {line.style}" d="{"".join(pieces)}"/>'


def _area(line: Line, plot: Plot, frame: _Frame) -> str:
    bottom = frame.height - _BOTTOM
    pieces = [
        f"M{run[0][0]:.1f} {bottom}L"
        + "L".join(f"{x:.1f} {y:.1f}" for x, y in run)
        + f"L{run[-1][0]:.1f} {bottom}Z"
        for run in _points(line, plot, frame)
    ]
    return f'<path class="area {line.style}" d="{"".join(pieces)}"/>'


def _aim(plot: Plot, frame: _Frame) -> list[str]:
    if plot.aim is None or not frame.ticks[0] <= plot.aim[0] <= frame.ticks[-1]:
        return []
    return [f'<path class="aim" d="M{_LEFT} {frame.y(plot.aim[0]):.1f}H{frame.width - _RIGHT}"/>']


def _tips(plot: Plot, frame: _Frame) -> list[str]:
    """Invisible columns whose titles a pointer shows; readers without one have the table."""
    if not plot.tips:
        return []
    step = (frame.width - _LEFT - _RIGHT) / max(1, len(plot.tips) - 1)
    size = f'y="{_TOP}" width="{step:.1f}" height="{frame.height - _TOP - _BOTTOM}"'
    return [
        f'<rect class="tip" x="{frame.x(position) - step / 2:.1f}" {size}><title>{escape(text)}</title></rect>'
        for position, text in zip(plot.x, plot.tips, strict=True)
    ]
