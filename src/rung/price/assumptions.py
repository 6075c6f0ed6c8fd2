"""What a workload file cannot know and a bill needs beside what one request costs (rung.model.measured).

All of them can be replaced by measured values; `rung estimate --explain` says which line rests on which.
"""

from __future__ import annotations

from dataclasses import dataclass

from rung.model.assumed import assumption
from rung.model.measured import Behaviour


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumptions(Behaviour):
    """Each field's metadata holds its unit and the reason for its default."""

    spikes_per_month: float = assumption(4.0, unit="spikes", why="one campaign a week")
    nonproduction_traffic: float = assumption(0.01, unit="share of traffic", why="people who test, no visitors")
    site_kib: float = assumption(150.0, unit="KiB", why="a light page with its scripts")
    site_files: float = assumption(8.0, unit="files", why="what one load of a light site asks for")
    known_visitors: float = assumption(
        0.5, unit="share of visits", why="whose browser has the files, and asks whether they changed"
    )
    io_per_request: float = assumption(0.2, unit="I/O", why="most pages are in memory, every write is one")
    log_kib_per_request: float = assumption(0.1, unit="KiB", why="the access log is sampled, warnings are not")
    log_kib_per_message: float = assumption(0.5, unit="KiB", why="one line for a message")
    messages_per_call: float = assumption(
        2.0, unit="messages", why="a long poll brings what waits, ten at most; deletes go together", positive=True
    )
    message_kib: float = assumption(1.0, unit="KiB", why="ids, not documents")
    database_gib: float = assumption(10.0, unit="GiB", why="the first year of a small business")
    database_change_per_day: float = assumption(0.02, unit="share", why="what a day's incremental backup holds")
    object_gib: float = assumption(5.0, unit="GiB", why="a bucket with uploads")
    image_gib: float = assumption(0.2, unit="GiB", why="a slim Python image, compressed")
    deploys_per_month: float = assumption(20.0, unit="deploys", why="one on every working day")
    external_kib_per_write: float = assumption(4.0, unit="KiB", why="a call to a payment provider, there and back")
    wait_ms: float = assumption(
        5.0, unit="ms", why="what a function waits for in one request, and is paid for: queries, cache, network"
    )
    run_seconds: float = assumption(2.0, unit="s", why="one run of a schedule, or of migrations, as a function")
    function_life_hours: float = assumption(
        2.0, unit="h", why="Lambda renews execution environments in use, too", positive=True
    )
    config_recorded: float = assumption(
        0.0,
        unit="share of changes",
        why="1 where AWS Config records every change in the account; here it does not",
    )
    config_rules: float = assumption(
        10.0, unit="rules", why="of AWS Config, that look at a recorded change: encryption, public access, tags"
    )
    cluster_log_gib: float = assumption(5.0, unit="GiB", why="API, audit and sign-in log of a quiet control plane")

    def average_of_day(self) -> float:
        """The day's mean load as a share of the busy hour."""
        return sum(self.day) / len(self.day)
