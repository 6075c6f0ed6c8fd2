"""The registry of what a process has opened: everything is closed, and every check is answered in bounded time."""

from __future__ import annotations

import asyncio

import pytest

from rung.runtime import lifespan


@pytest.fixture(autouse=True)
def empty_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lifespan, "_resources", {})


async def nothing() -> None:
    pass


async def hang() -> None:
    await asyncio.Event().wait()


async def test_everything_is_closed_latest_first_even_when_one_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lifespan, "CLOSE_TIMEOUT_SECONDS", 0.05)
    closed: list[str] = []

    def closing(name: str) -> None:
        async def close() -> None:
            closed.append(name)
            if name == "broken":
                raise OSError("no")

        lifespan.register(name, close=close)

    closing("first")
    closing("broken")
    lifespan.register("hanging", close=hang)
    closing("last")
    with pytest.raises(ExceptionGroup) as raised:
        await lifespan.close_all()
    assert closed == ["last", "broken", "first"]
    assert [type(error) for error in raised.value.exceptions] == [TimeoutError, OSError]
    await lifespan.close_all()  # nothing is closed twice


async def test_checks_answer_by_name_and_in_bounded_time() -> None:
    async def away() -> None:
        raise OSError("the server is away")

    async def silent() -> None:
        raise OSError

    lifespan.register("fine", close=nothing, check=nothing)
    lifespan.register("away", close=nothing, check=away)
    lifespan.register("silent", close=nothing, check=silent)
    lifespan.register("hanging", close=nothing, check=hang)
    lifespan.register("unchecked", close=nothing)
    assert await lifespan.check_all(timeout_seconds=0.05) == {
        "fine": None,
        "away": "the server is away",
        "silent": "OSError",
        "hanging": "no answer in 0.05 s",
    }


async def test_a_resource_that_is_forgotten_is_neither_closed_nor_checked() -> None:
    forget = lifespan.register("gone", close=hang, check=hang)
    forget()
    forget()
    assert await lifespan.check_all() == {}
    await lifespan.close_all()


def test_each_loop_closes_and_checks_what_was_opened_in_it() -> None:
    closed: list[str] = []

    def register(name: str) -> None:
        async def close() -> None:
            closed.append(name)

        lifespan.register(name, close=close, check=nothing)

    async def open_one(name: str) -> None:
        register(name)

    register("before any loop")
    with asyncio.Runner() as one:
        with asyncio.Runner() as other:
            one.run(open_one("one"))
            other.run(open_one("other"))
            assert other.run(lifespan.check_all()) == {"before any loop": None, "other": None}
            other.run(lifespan.close_all())
            assert closed == ["other", "before any loop"]
            other.run(open_one("left behind"))
        one.run(lifespan.close_all())
    assert closed == ["other", "before any loop", "one"]
    assert lifespan._resources == {}
