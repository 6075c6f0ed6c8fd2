"""`rung dev` from start to stop: servers, databases, processes; then scaling, reloading and waiting.

The composition of this package. It talks through two callables: `emit` for the log, `announce` for what
a person should see before it.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from rung.errors import Finding, MachineError
from rung.local.autoscale import Autoscaler
from rung.local.child import exit_reason
from rung.local.database import Prepared, folder_of, prepare
from rung.local.diagnosis import explain, port_finding
from rung.local.environment import bus_bindings, queue_bindings, workflow_bindings
from rung.local.guard_client import Guard
from rung.local.logs import Emit, finding_line, own_line
from rung.local.machine import Machine, inherited
from rung.local.plan import Plan, listening_services, plan
from rung.local.process import is_free, may_listen
from rung.local.processes import takes_port
from rung.local.reloader import Reloader
from rung.local.servers import Servers, start_servers
from rung.local.specification import ProcessSpec
from rung.local.state import BUSES_FILE, QUEUES_FILE, WORKFLOWS_FILE, State
from rung.local.supervisor import StartFailedError, Supervisor
from rung.model.graph import Graph
from rung.model.nodes import Files, Secret, Service
from rung.model.scaling import Observation
from rung.runtime import lifespan
from rung.runtime.migrations import Applied
from rung.runtime.queue.port import Queue as QueuePort
from rung.runtime.queue.registry import open_queue

DEFAULT_PORT = 8000
PORTS_TRIED = 20
#: Linux and macOS give the ports below to root alone.
FIRST_FREE_PORT = 1024
SECRET_VARIABLE = "RUNG_SECRET_"  # noqa: S105 - the beginning of a variable's name


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the command line chose. `port` None: 8000 or the next free one. `seconds` None: until Ctrl-C."""

    workload: Path
    host: str = "127.0.0.1"
    port: int | None = None
    gateway_workers: int = 1
    reload: bool = True
    seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """What runs, for the table that is shown once."""

    graph: Graph
    machine: Machine
    plan: Plan
    servers: Servers
    prepared: Prepared
    seconds: float


@dataclass(slots=True)
class Session:
    """One `rung dev`. `started` is the moment, of the monotonic clock, that its start-up time counts from."""

    options: Options
    graph: Graph
    emit: Emit
    announce: Callable[[Running], None]
    started: float = field(default_factory=time.monotonic)
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    state: State = field(init=False)
    guard: Guard = field(init=False)
    supervisor: Supervisor = field(init=False)
    stopping: asyncio.Event = field(init=False)
    running: Running = field(init=False)
    port: int = field(init=False, default=0)
    _queues: dict[str, QueuePort] = field(init=False, default_factory=dict)

    async def run(self) -> int:
        """Until somebody stops it, or `seconds` are over. Raises MachineError when it cannot start."""
        self.stopping = asyncio.Event()
        self.state = State.beside(self.options.workload)
        with self.state.lock():
            self.guard = Guard()
            self.supervisor = Supervisor(emit=self.emit, guard=self.guard)
            with self._signals():
                try:
                    await self._until_stopped()
                finally:
                    await self.supervisor.stop()
                    self.guard.close()
                    await lifespan.close_all()
        return 0

    async def _until_stopped(self) -> None:
        work = asyncio.create_task(self._work())
        stopping = asyncio.create_task(self.stopping.wait())
        await asyncio.wait((work, stopping), return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not work.done():
            self.emit(own_line("stopping: requests and jobs that run are finished first (again: stop at once)"))
            work.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await work

    async def _work(self) -> None:
        self.port = choose_port(self.options.host, self.options.port)
        self.running = await self.bring_up(self.graph)
        self.announce(self.running)
        await asyncio.gather(
            self._run_first_jobs(self.running.plan, self.running.prepared.identity),
            Autoscaler(self.supervisor, self._observe, emit=self.emit).run(lambda: self.running.plan.scaling),
            self._end_in_time(),
            *([Reloader(self).run()] if self.options.reload else []),
        )

    async def _end_in_time(self) -> None:
        if self.options.seconds is not None:
            await asyncio.sleep(self.options.seconds)
            self.stopping.set()

    async def bring_up(self, graph: Graph) -> Running:
        """Make `graph` run: start what is new, replace what differs, stop what is gone.

        Raises MachineError with everything that does not start.
        """
        try:
            servers = await start_servers(graph, self.state, self.supervisor, self.environment)
            prepared = Prepared(databases={}, carrier=None, applied=())
            if servers.admin_url is not None:
                prepared = await prepare(graph, servers.admin_url, self.state)
            self.say_migrated(prepared.applied)
            machine = self._machine(graph, servers, prepared)
            chosen = plan(graph, machine)
            for name, content in chosen.files.items():
                self.state.write_json(name, content)
            self.state.write_json(QUEUES_FILE, queue_bindings(graph, machine))
            self.state.write_json(BUSES_FILE, bus_bindings(graph, machine))
            self.state.write_json(WORKFLOWS_FILE, workflow_bindings(graph, machine))
            await self._apply(chosen)
        except StartFailedError as error:
            raise MachineError(*[await explain(each) for each in error.errors]) from error
        return Running(
            graph=graph, machine=machine, plan=chosen, servers=servers, prepared=prepared,
            seconds=time.monotonic() - self.started,
        )  # fmt: skip

    async def _apply(self, chosen: Plan) -> None:
        there = {name: spec for name, spec in self.supervisor.specs.items() if spec.kind not in ("server", "job")}
        names = {spec.name for spec in chosen.processes}
        await self.supervisor.stop(names=[name for name in there if name not in names])
        await self.supervisor.replace(
            spec for spec in chosen.processes if spec.name in there and spec != there[spec.name]
        )
        await self.supervisor.start(spec for spec in chosen.processes if spec.name not in there)

    def _machine(self, graph: Graph, servers: Servers, prepared: Prepared) -> Machine:
        for node in graph.of(Files):
            (self.state.directory / "files" / node.name).mkdir(parents=True, exist_ok=True)
        return Machine(
            python=sys.executable,
            folder=folder_of(graph),
            state=self.state.directory,
            host=self.options.host,
            port=self.port,
            gateway_workers=self.options.gateway_workers,
            environment=inherited(self.environment),
            ports={node.name: self._service_port(node) for node in listening_services(graph)},
            databases=prepared.databases,
            carrier=prepared.carrier,
            caches=servers.caches,
            brokers=servers.brokers,
            secrets={node.name: self._secret(node.name) for node in graph.of(Secret)},
            workload=graph.name,
        )

    def _service_port(self, node: Service) -> int:
        """The port that a `command=` was written for, else one that stays the same from start to start."""
        if node.port is None or node.app is not None or takes_port(node):
            return self.state.port(node.name)
        if node.name not in self.supervisor.specs and not is_free(node.port):
            location = self.graph.location(node.name)
            found = f"something listens on 127.0.0.1:{node.port}"
            raise MachineError(
                port_finding(node.port, found=found, name=f"service {node.name!r}", location=location)
            )
        return node.port

    def _secret(self, name: str) -> Path:
        given = self.environment.get(SECRET_VARIABLE + name.upper().replace("-", "_"))
        file, made_up = self.state.secret(name, given)
        if made_up:
            self.emit(own_line(f"secret {name} has a random value; write yours to the file", file=str(file)))
        return file

    def say_migrated(self, applied: Sequence[tuple[str, Applied]]) -> None:
        """One line for each migration that was applied."""
        for node, each in applied:
            name = f"{each.number:04d}_{each.name}"
            self.emit(
                own_line("migrated", node=node, migration=name, duration_ms=round(each.duration_seconds * 1000))
            )

    async def _run_first_jobs(self, chosen: Plan, identity: str) -> None:
        """The jobs that fill new databases: once for each database, while everything else already serves."""
        for spec in chosen.jobs:
            if self.state.done(spec.name, identity):
                continue
            self.emit(own_line("started: it runs once for a new database", node=spec.name))
            began = time.monotonic()
            try:
                ended = await self.supervisor.start_once(spec)
            except StartFailedError as error:
                self.emit(finding_line("cannot be started", [await explain(each) for each in error.errors]))
                continue
            # A callback, because a Ctrl-C lets the job finish and nobody waits here any more.
            ended.add_done_callback(partial(self._job_ended, spec, identity, began))
            await asyncio.shield(ended)

    def _job_ended(self, spec: ProcessSpec, identity: str, began: float, ended: asyncio.Future[int]) -> None:
        status = ended.result()
        if status == 0:
            self.state.mark_done(spec.name, identity)
            self.emit(own_line("done", node=spec.name, seconds=round(time.monotonic() - began, 1)))
        elif not self.stopping.is_set():
            self.emit(finding_line("failed", [_job_failed(spec, status)]))

    async def _observe(self, queue: str, lanes: tuple[str, ...]) -> Observation:
        if queue not in self._queues:
            binding = queue_bindings(self.running.graph, self.running.machine)[queue]
            self._queues[queue] = open_queue(queue, binding)
        statistics = await self._queues[queue].statistics()
        chosen = [found for lane, found in statistics.lanes.items() if lane in (lanes or statistics.lanes)]
        return Observation(
            backlog=sum(lane.ready for lane in chosen),
            oldest_age_seconds=max((lane.oldest_age_seconds or 0.0 for lane in chosen), default=0.0),
        )

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        """The first SIGINT, SIGTERM or SIGHUP drains; the next one ends everything at once."""
        loop = asyncio.get_running_loop()

        def received() -> None:
            if self.stopping.is_set():
                self.emit(own_line("stopping at once", level="warning"))
                self.supervisor.kill()
            self.stopping.set()

        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, received)
        try:
            yield
        finally:
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                loop.remove_signal_handler(number)


def choose_port(host: str, port: int | None) -> int:
    """The port asked for, or the first free one from 8000. Raises MachineError R0305 when it is taken."""
    candidates = [port] if port is not None else list(range(DEFAULT_PORT, DEFAULT_PORT + PORTS_TRIED))
    for candidate in candidates:
        if is_free(candidate, host):
            return candidate
    taken = f"something listens on {host}:{candidates[0]}"
    found = taken if may_listen(candidates[0]) else f"ports below {FIRST_FREE_PORT} belong to root here"
    raise MachineError(port_finding(candidates[0], found=found, name="rung dev"))


def _job_failed(spec: ProcessSpec, status: int) -> Finding:
    return Finding(
        code="R0316",
        severity="error",
        message=f"job {spec.name!r} {exit_reason(status)}",
        location=spec.location,
        found="its own lines in the log say why",
        effect="the databases may be empty or half filled; it runs again at the next start",
        help="correct the handler so that it can run twice, and restart rung dev",
    )
