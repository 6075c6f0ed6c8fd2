"""Starts processes in the order of their needs, keeps them running, scales and replaces them, stops them in order.

It knows nothing about workloads: it is told `ProcessSpec`s. Everything runs in one event loop, whose thread
must be the main one (see `rung.local.process.die_with_parent`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

from rung.local.child import Child, StartError
from rung.local.guard_client import Guard
from rung.local.logs import Emit
from rung.local.specification import STOP_ORDER, Kind, ProcessSpec
from rung.runtime.clock import SYSTEM_CLOCK, Clock


class StartFailedError(Exception):
    """Some processes did not become ready. Everything that was started with them has been stopped."""

    def __init__(self, errors: Sequence[StartError]) -> None:
        super().__init__("; ".join(str(error) for error in errors))
        self.errors = tuple(errors)


class Supervisor:
    """The processes that run, by the name of their specification."""

    def __init__(self, *, emit: Emit, guard: Guard, clock: Clock = SYSTEM_CLOCK) -> None:
        self._emit = emit
        self._guard = guard
        self._clock = clock
        self._groups: dict[str, list[Child]] = {}
        self._specs: dict[str, ProcessSpec] = {}
        self._killed = False
        self._changing = asyncio.Lock()

    @property
    def specs(self) -> dict[str, ProcessSpec]:
        """What is supposed to run."""
        return dict(self._specs)

    def children(self, name: str) -> list[Child]:
        """The processes of one specification."""
        return list(self._groups.get(name, ()))

    def count(self, name: str) -> int:
        """How many processes of one specification there are."""
        return len(self._groups.get(name, ()))

    async def start(self, specs: Iterable[ProcessSpec]) -> None:
        """Start `specs`, each as soon as what it needs is ready, the rest in parallel.

        Raises StartFailedError with everything that went wrong, after stopping what this call had started.
        """
        chosen = tuple(specs)
        ready = {spec.name: asyncio.Event() for spec in chosen}
        for spec in chosen:
            self._specs[spec.name] = spec
            self._groups[spec.name] = [self._child(spec, number) for number in range(1, spec.min_instances + 1)]
        tasks = {spec.name: asyncio.create_task(self._start_one(spec, ready)) for spec in chosen}
        try:
            await asyncio.wait(tasks.values(), return_when=asyncio.FIRST_EXCEPTION) if tasks else None
            errors = [error for task in tasks.values() if (error := await _start_error(task))]
        except asyncio.CancelledError:
            await self._abandon(chosen, tasks.values())
            raise
        if errors:
            await self._abandon(chosen, tasks.values())
            raise StartFailedError(errors)

    async def start_once(self, spec: ProcessSpec) -> asyncio.Future[int]:
        """Start a process that ends by itself. The future gets its exit status, whoever ended it.

        Raises StartFailedError.
        """
        await self.start([spec])
        status = self._groups[spec.name][0].exit_status
        status.add_done_callback(lambda _: self._forget(spec.name))
        return status

    async def scale(self, name: str, count: int) -> None:
        """Make it `count` processes; those taken away drain first. Raises StartFailedError for new ones."""
        async with self._changing:
            await self._scale(name, count)

    async def replace(self, specs: Iterable[ProcessSpec]) -> None:
        """Stop the processes of these names, in order, and start them anew, with as many as there were."""
        async with self._changing:
            chosen = tuple(specs)
            counts = {spec.name: self.count(spec.name) for spec in chosen}
            await self.stop(names=[spec.name for spec in chosen])
            await self.start(chosen)
            for spec in chosen:
                wanted = min(spec.max_instances, max(spec.min_instances, counts[spec.name]))
                await self._scale(spec.name, wanted)

    async def stop(self, names: Iterable[str] | None = None) -> None:
        """Stop in order: the gateway drains first, then services, workers, schedules, and at last the servers."""
        chosen = set(self._specs if names is None else names)
        for kinds in STOP_ORDER:
            await self._stop_kinds(kinds, chosen)

    def kill(self) -> None:
        """End everything at once. `stop` still has to be awaited, and returns soon."""
        self._killed = True
        for group in self._groups.values():
            for child in group:
                child.kill()

    async def _stop_kinds(self, kinds: tuple[Kind, ...], chosen: set[str]) -> None:
        names = [name for name in chosen if name in self._specs and self._specs[name].kind in kinds]
        await asyncio.gather(*(child.stop(now=self._killed) for name in names for child in self._groups[name]))
        for name in names:
            self._forget(name)

    def _forget(self, name: str) -> None:
        self._groups.pop(name, None)
        self._specs.pop(name, None)

    async def _scale(self, name: str, count: int) -> None:
        group, spec = self._groups.get(name), self._specs.get(name)
        if group is None or spec is None:
            return  # it was stopped while the change waited for its turn
        surplus = [group.pop() for _ in range(max(0, len(group) - count))]
        fresh = [self._child(spec, number) for number in range(len(group) + 1, count + 1)]
        group.extend(fresh)
        results = await asyncio.gather(*(child.start() for child in fresh), return_exceptions=True)
        for child, result in zip(fresh, results, strict=True):
            if isinstance(result, BaseException):
                group.remove(child)
        await asyncio.gather(*(child.stop() for child in surplus))
        failures = [result for result in results if isinstance(result, StartError)]
        if failures:
            raise StartFailedError(failures)

    async def _start_one(self, spec: ProcessSpec, ready: dict[str, asyncio.Event]) -> None:
        for need in spec.needs:
            if need in ready:
                await ready[need].wait()
        await asyncio.gather(*(child.start() for child in self._groups[spec.name]))
        ready[spec.name].set()

    async def _abandon(self, specs: Iterable[ProcessSpec], tasks: Iterable[asyncio.Task[None]]) -> None:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.stop(names=[spec.name for spec in specs])

    def _child(self, spec: ProcessSpec, number: int) -> Child:
        name = spec.name if spec.max_instances == 1 else f"{spec.name}.{number}"
        return Child(spec, name, emit=self._emit, guard=self._guard, clock=self._clock)


async def _start_error(task: asyncio.Task[None]) -> StartError | None:
    """The StartError a finished task ended with. Any other error is ours and goes up."""
    if not task.done():
        return None
    try:
        await task
    except StartError as error:
        return error
    return None
