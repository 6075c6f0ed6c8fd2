"""What the documentation shows of advice, made anew: `python -m tests.advise.pages` writes it into the pages."""

from __future__ import annotations

import io
import re
import sys
from contextlib import redirect_stdout
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
EARNED = ROOT / "docs" / "explanation" / "when-each-rung-is-earned.md"
REFERENCE = ROOT / "docs" / "reference" / "advise.md"
ORDER = ("box", "host", "fargate", "eks", "serverless")


def benchmark() -> Any:
    """benchmarks/advise.py, which is no package."""
    spec = spec_from_file_location("benchmark_of_advice", ROOT / "benchmarks" / "advise.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def map_rows() -> list[str]:
    """The map of revenue and visitors."""
    made = benchmark()
    lines: list[str] = made.map_lines(made.earned())
    return lines


def rung_rows() -> list[str]:
    """What each rung takes and gives, for the product of the page."""
    from rung.advise import advise
    from rung.advise.outages import best_promise, hours_down, longest

    options = advise(benchmark().ordinary(20, 1_500), "prod", deep=False).options
    rows = []
    for option in sorted(options, key=lambda each: ORDER.index(each.rung)):
        assert option.bill is not None
        worst = longest(option.outages)
        rows.append(
            f"| {option.rung} | ${option.bill_usd:,.0f} | ${option.bill.fixed:,.0f} | {option.hours:.1f} | "
            f"{hours_down(option.outages) * 60:,.0f} min | {worst.what}, {worst.minutes:,.0f} min | "
            f"{int(best_promise(option.outages) * 1e4) / 100:g} % |"
        )
    return rows


def example() -> str:
    """`rung advise` on the shop, as a terminal of 100 columns shows it."""
    import os

    from rung.cli.main import main

    here, output = Path.cwd(), io.StringIO()
    os.environ["COLUMNS"] = "100"
    try:
        os.chdir(ROOT / "workloads" / "shop")
        with redirect_stdout(output):
            main(["advise"])
    finally:
        os.chdir(here)
        del os.environ["COLUMNS"]
    return "\n".join(line.rstrip() for line in output.getvalue().splitlines())


def written(text: str, start: str, rows: list[str]) -> str:
    """The page with the table that begins with `start` replaced; `rows` follow its first two lines."""
    pattern = re.compile(rf"({re.escape(start)}[^\n]*\n\|[-:|]+\n)(?:\|[^\n]*\n)*")
    return pattern.sub(lambda match: match[1] + "".join(f"{row}\n" for row in rows), text)


def main() -> None:
    """Write every page."""
    text = written(EARNED.read_text(encoding="utf-8"), "| revenue a month |", map_rows()[2:])
    EARNED.write_text(written(text, "| rung | bill |", rung_rows()), encoding="utf-8")
    reference = REFERENCE.read_text(encoding="utf-8")
    head, _, rest = reference.partition("```text\n")
    after = rest.partition("\n```")[2] if not rest.startswith("```") else rest.removeprefix("```")
    REFERENCE.write_text(f"{head}```text\n{example()}\n```{after}", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
