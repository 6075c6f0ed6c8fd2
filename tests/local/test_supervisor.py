"""The supervisor with real processes: order, readiness, restarts with their reason, scaling, and orderly ends."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from pathlib import Path

import pytest
from tests.local.programs import READY, WAIT, alive, bench, program

from rung.local.child import exit_reason
from rung.local.process import free_port
from rung.local.specification import Kind, Listening, ProcessSpec, RestartPolicy, Started
from rung.local.supervisor import StartFailedError

QUICK = RestartPolicy(first_seconds=0.01)


async def test_a_process_starts_after_what_it_needs_is_ready(tmp_path: Path) -> None:
    mark = tmp_path / "ready"
    first = program("first", f"import time; time.sleep(0.2); open({str(mark)!r}, 'w').close()\n" + WAIT)
    second = program(
        "second",
        f"import os; print('found' if os.path.exists({str(mark)!r}) else 'too early')\n" + WAIT,
        needs=("first",),
    )
    async with bench() as here:
        await here.supervisor.start([second, first])
        assert here.events("second")[0] == "found"


async def test_a_crash_is_restarted_and_the_reason_is_shown() -> None:
    async with bench() as here:
        await here.supervisor.start([program("fragile", "print('last words')\n" + WAIT, restart=QUICK)])
        (child,) = here.supervisor.children("fragile")
        first = child.pid
        assert first is not None
        os.kill(first, signal.SIGKILL)
        await here.until(lambda: child.ready.is_set() and child.pid not in (None, first))
        (reason,) = [line.fields for line in here.lines if line.fields and "reason" in line.fields]
        assert reason["reason"] == "was killed by SIGKILL"
        assert reason["level"] == "error"
        assert "last words" in reason["last_lines"]


async def test_what_nobody_waits_for_yields_the_processor() -> None:
    kinds: tuple[Kind, ...] = ("gateway", "service", "worker", "schedule")
    async with bench() as here:
        await here.supervisor.start([program(kind, WAIT, kind=kind) for kind in kinds])
        children = [here.supervisor.children(kind)[0] for kind in kinds]
        nice = [os.getpriority(os.PRIO_PROCESS, child.pid or 0) for child in children]
    ours = os.getpriority(os.PRIO_PROCESS, 0)
    assert nice == [ours, ours, min(19, ours + 5), min(19, ours + 5)]


async def test_the_delay_doubles_while_a_process_keeps_failing() -> None:
    source = READY + "import sys; sys.exit(3)\n"
    policy = RestartPolicy(first_seconds=0.01, longest_seconds=0.04)
    async with bench() as here:
        await here.supervisor.start([program("failing", source, restart=policy)])
        (child,) = here.supervisor.children("failing")
        await here.until(lambda: child.restarts >= 4)
        said = [event for event in here.events("failing") if "restarting" in event]
        assert said[0] == "failing exited with status 3; restarting in 0.01 s"
        assert [event.split()[-2] for event in said[:4]] == ["0.01", "0.02", "0.04", "0.04"]


async def test_a_process_that_does_not_start_stops_the_others_and_says_why() -> None:
    good = program("good", WAIT)
    bad = program("bad", "raise SystemExit('no such table')")
    async with bench() as here:
        with pytest.raises(StartFailedError) as caught:
            await here.supervisor.start([good, bad])
        (error,) = caught.value.errors
        assert error.spec.name == "bad"
        assert error.reason == "exited with status 1"
        assert error.last_lines == ("no such table",)
        assert here.supervisor.specs == {}


async def test_a_process_that_never_becomes_ready_is_ended() -> None:
    async with bench() as here:
        with pytest.raises(StartFailedError, match=r"not ready after 0\.3 s"):
            await here.supervisor.start(
                [program("silent", "import time; time.sleep(60)", start_timeout_seconds=0.3)]
            )


async def test_a_program_that_does_not_exist_is_an_error_with_its_name() -> None:
    ghost = ProcessSpec(name="ghost", kind="service", command=("/no/such/program",))
    async with bench() as here:
        with pytest.raises(StartFailedError, match="'/no/such/program' cannot be run: No such file"):
            await here.supervisor.start([ghost])


async def test_a_server_may_need_several_starts(tmp_path: Path) -> None:
    counter = tmp_path / "starts"
    source = f"""
        import pathlib, sys
        file = pathlib.Path({str(counter)!r})
        count = int(file.read_text()) + 1 if file.exists() else 1
        file.write_text(str(count))
        if count < 3:
            sys.exit("memory still in use")
    """
    spec = program("server", source + WAIT, kind="server", restart=RestartPolicy(start_retry_seconds=5.0))
    async with bench() as here:
        await here.supervisor.start([spec])
        assert counter.read_text() == "3"


async def test_everything_stops_from_the_outside_in() -> None:
    def stopping(name: str, kind: Kind) -> ProcessSpec:
        source = f"import signal, sys\nsignal.signal(15, lambda *_: (print('{name} stops'), sys.exit(0)))\n"
        return program(name, source + WAIT, kind=kind)

    kinds: dict[str, Kind] = {"database": "server", "tick": "schedule", "fulfil": "worker", "gateway": "gateway"}
    async with bench() as here:
        await here.supervisor.start([stopping(name, kind) for name, kind in kinds.items()])
        await here.supervisor.stop()
        stops = [event for event in here.events() if event.endswith("stops")]
        assert stops == ["gateway stops", "fulfil stops", "tick stops", "database stops"]


async def test_a_process_may_finish_its_work_but_not_for_ever() -> None:
    stubborn = "import signal\nsignal.signal(15, signal.SIG_IGN)\n" + READY + "while True: signal.pause()\n"
    async with bench() as here:
        await here.supervisor.start([program("stubborn", stubborn, stop_timeout_seconds=0.3)])
        began = time.monotonic()
        await here.supervisor.stop()
        assert 0.3 <= time.monotonic() - began < 3
        assert "stubborn did not stop within 0.3 s: killed" in here.events("stubborn")


async def test_what_a_process_leaves_behind_ends_with_it() -> None:
    source = """
        import subprocess, sys
        child = subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(60)"])
        print(child.pid)
    """
    async with bench() as here:
        await here.supervisor.start([program("parent", source + WAIT)])
        pid = int(here.events("parent")[0])
        assert alive(pid)
        await here.supervisor.stop()
        await here.until(lambda: not alive(pid))


async def test_scaling_adds_and_drains() -> None:
    async with bench() as here:
        await here.supervisor.start([program("fulfil", WAIT, max_instances=4)])
        await here.supervisor.scale("fulfil", 3)
        names = [child.name for child in here.supervisor.children("fulfil")]
        assert names == ["fulfil.1", "fulfil.2", "fulfil.3"]
        pids = [child.pid or 0 for child in here.supervisor.children("fulfil")]
        await here.supervisor.scale("fulfil", 1)
        assert here.supervisor.count("fulfil") == 1
        assert [alive(pid) for pid in pids] == [True, False, False]


async def test_replacing_keeps_the_number_of_processes() -> None:
    spec = program("fulfil", WAIT, max_instances=4)
    async with bench() as here:
        await here.supervisor.start([spec])
        await here.supervisor.scale("fulfil", 3)
        before = {child.pid for child in here.supervisor.children("fulfil")}
        await here.supervisor.replace([spec])
        after = {child.pid for child in here.supervisor.children("fulfil")}
        assert len(after) == 3
        assert not before & after


async def test_a_listening_port_counts_as_ready(tmp_path: Path) -> None:
    port = free_port()
    source = f"""
        import socket, time
        time.sleep(0.2)
        server = socket.create_server(("127.0.0.1", {port}))
        time.sleep(60)
    """
    async with bench() as here:
        await here.supervisor.start([program("plain", source, ready=Listening(port=port))])
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.close()
        await writer.wait_closed()


async def test_a_job_runs_once_and_its_status_is_known() -> None:
    async with bench() as here:
        job = program("seed", "print('filled'); raise SystemExit(4)", kind="job", ready=Started(), restart=None)
        status = await here.supervisor.start_once(job)
        assert await status == 4
        assert here.events("seed") == ["filled"]
        assert here.supervisor.specs == {}


async def test_long_lines_and_binary_output_do_not_stop_the_log() -> None:
    source = (
        "import sys\nsys.stdout.buffer.write(b'x' * 3_000_000 + b'\\n\\xff\\xfe\\n')\nsys.stdout.flush()\n" + WAIT
    )
    async with bench() as here:
        await here.supervisor.start([program("loud", source)])
        await here.until(lambda: any(line.text == b"\xff\xfe" for line in here.lines))
        assert sum(len(line.text) for line in here.lines if line.text.startswith(b"x")) == 3_000_000


@pytest.mark.parametrize(
    ("status", "reason"),
    [(0, "exited with status 0"), (-11, "was killed by SIGSEGV"), (-250, "was killed by signal 250")],
)
def test_the_reason_of_an_end_names_the_signal(status: int, reason: str) -> None:
    assert exit_reason(status) == reason


_ABANDON = f"""
import asyncio, os, signal, sys
sys.path.insert(0, {str(Path(__file__).parents[2])!r})
from tests.local.programs import WAIT, bench, program

async def main():
    async with bench() as here:
        sleep = "[sys.executable, '-S', '-c', 'import time; time.sleep(60)']"
        fork = f"import subprocess, sys; print(subprocess.Popen({{sleep}}).pid)\\n"
        await here.supervisor.start([program("one", fork + WAIT), program("two", WAIT)])
        pids = [child.pid for name in ("one", "two") for child in here.supervisor.children(name)]
        print(*pids, int(here.events("one")[0]), here.guard.pid, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


async def test_nothing_outlives_a_supervisor_that_was_killed() -> None:
    """Not the children, not what they started, and at last not the guard."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", _ABANDON, stdout=asyncio.subprocess.PIPE)
    output, _ = await process.communicate()
    assert process.returncode == -signal.SIGKILL
    pids = [int(word) for word in output.split()]
    assert len(pids) == 4
    deadline = time.monotonic() + 8
    while any(alive(pid) for pid in pids):
        assert time.monotonic() < deadline, [pid for pid in pids if alive(pid)]
        await asyncio.sleep(0.05)
