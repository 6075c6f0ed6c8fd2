"""What the gateway costs: a service alone, the same service in the gateway's process, and behind its proxy.

    python benchmarks/gateway.py [--rounds 7] [--seconds 3] [--json]

Each round measures every variant once, one after the other; the ratios are taken within the round. All servers
run one worker process; wrk (64 connections, one thread) shares the machine with them.
"""

from __future__ import annotations

import argparse
import tempfile
from contextlib import ExitStack
from pathlib import Path

from http_servers import APPLICATION, Measured, gateway, print_table, service, summary, wrk


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        directory = Path(name)
        (directory / "application.py").write_text(APPLICATION)
        alone = stack.enter_context(service(directory))
        urls = {
            "service alone": alone,
            "in the gateway's process": stack.enter_context(gateway(directory, None)),
            "behind the gateway's proxy": stack.enter_context(gateway(directory, alone)),
        }
        for path, title in (("/api/read", "An answer from memory"), ("/api/work", "An answer that is computed")):
            runs: dict[str, list[Measured]] = {variant: [] for variant in urls}
            for url in urls.values():
                wrk(url + path, seconds=1)
            for _ in range(options.rounds):
                for variant, url in urls.items():
                    runs[variant].append(wrk(url + path, seconds=options.seconds))
            rows = {variant: summary(found, runs["service alone"]) for variant, found in runs.items()}
            print_table(title, rows, as_json=options.json)
            print(flush=True)


if __name__ == "__main__":
    main()
