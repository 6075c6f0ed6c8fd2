"""Write the tables of inputs and outputs into the README of every Terraform module, from its own files.

python scripts/module_docs.py           writes them
python scripts/module_docs.py --check   says which are out of date, and exits 1 when one is
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

MODULES = Path(__file__).parents[1] / "src" / "rung" / "terraform" / "modules"
BEGIN, END = "<!-- tables: begin -->", "<!-- tables: end -->"
BLOCK = re.compile(r'^(?P<kind>variable|output) "(?P<name>\w+)" \{\n(?P<body>.*?)^\}', re.MULTILINE | re.DOTALL)


def attribute(body: str, name: str) -> str | None:
    """The text of one attribute of a formatted block, over as many lines as its brackets need; None without it."""
    found = re.search(rf"^  {name} += ", body, re.MULTILINE)
    if found is None:
        return None
    lines = body[found.end() :].splitlines()
    taken, depth = [], 0
    for line in lines:
        taken.append(line)
        bare = re.sub(r'"(?:[^"\\]|\\.)*"', "", line)
        depth += sum(bare.count(opening) for opening in "([{") - sum(bare.count(closing) for closing in ")]}")
        if depth == 0:
            break
    return "\n".join(taken)


def text(body: str) -> str:
    """The description of a block, as prose in one cell of a table."""
    said = (attribute(body, "description") or '""').strip()[1:-1]
    return said.replace('\\"', '"').replace("|", "\\|").replace("<", "&lt;")


def short(expression: str) -> str:
    """A type or a default in one line of code."""
    line = re.sub(r"\s*\n\s*", ", ", expression.strip())
    line = re.sub(r"\s+", " ", line)
    line = re.sub(r"([({\[]), ", r"\1", line).replace(", }", "}").replace(", )", ")").replace(", ]", "]")
    line = line.replace(",, ", ", ").replace(",}", "}").replace(",]", "]")
    return f"`{line}`".replace("|", "\\|")


def tables(directory: Path) -> str:
    """The two tables of the module in `directory`, in Markdown."""
    inputs, outputs = [], []
    for path in (directory / "variables.tf", directory / "outputs.tf"):
        for found in BLOCK.finditer(path.read_text() if path.is_file() else ""):
            name, body = found["name"], found["body"]
            if found["kind"] == "output":
                outputs.append(f"| `{name}` | {text(body)} |")
                continue
            default = attribute(body, "default")
            shown = "required" if default is None else short(default)
            inputs.append(f"| `{name}` | {short(attribute(body, 'type') or 'string')} | {shown} | {text(body)} |")
    head = ["| input | type | default | what it is |", "|---|---|---|---|"]
    parts = ["## Inputs", "", *head, *inputs]
    if outputs:
        parts += ["", "## Outputs", "", "| output | what it is |", "|---|---|", *outputs]
    return "\n".join(parts)


def document(readme: str, generated: str) -> str:
    """`readme` with `generated` between the two marks; they are added at the end when they are missing."""
    if BEGIN not in readme:
        readme = f"{readme.rstrip()}\n\n{BEGIN}\n{END}\n"
    before, _, rest = readme.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{generated}\n{END}{after}"


def main(arguments: list[str]) -> int:
    """Write or check every README; 1 when a check finds one out of date."""
    stale = []
    for path in sorted(MODULES.glob("*/README.md")):
        old = path.read_text()
        new = document(old, tables(path.parent))
        if new == old:
            continue
        stale.append(path)
        if "--check" not in arguments:
            path.write_text(new)
    for path in stale:
        print(f"{path.relative_to(MODULES.parents[3])}: {'out of date' if '--check' in arguments else 'written'}")
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
