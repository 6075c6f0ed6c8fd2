"""The generator against a real server: counts are right, faults are named, and no delay is hidden."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
from tests.load.server import MisbehavingServer, misbehaving_server

from rung.load import Journey, Response, Step, User, capture
from rung.load.generator import Generator
from rung.load.plan import Plan, Target
from rung.load.recording import Recording, Second


@pytest.fixture
async def server() -> AsyncIterator[MisbehavingServer]:
    async with misbehaving_server() as running:
        yield running


async def load(url: str, *steps: Step, users: int = 20, rate: float = 200.0, seconds: float = 1.0,
               **changes: object) -> Recording:  # fmt: skip
    plan = Plan(target=Target.of(url), journeys="", folder="", users=users, rate=rate, duration_seconds=seconds,
                warmup_seconds=0.0, seed=7, **changes)  # type: ignore[arg-type] # fmt: skip
    generator = Generator(plan, [Journey("test", list(steps))])
    await generator.connect()
    try:
        return await generator.run(time.monotonic() + 0.01)
    finally:
        await generator.close()


async def test_what_is_due_is_sent_and_counted_once(server: MisbehavingServer) -> None:
    recording = await load(server.url, Step("GET", "/ok"))
    group = recording.groups[0]
    assert group.offered == group.succeeded == group.histogram().count
    assert server.requests["/ok"] == group.offered  # a visit of one step has nothing behind it
    assert group.offered == pytest.approx(200, rel=0.3)
    assert group.statuses == {200: group.offered}
    assert recording.connections_opened == server.connections == 20
    assert sum(second.succeeded for second in recording.seconds.values()) == group.offered
    assert sum(second.offered for second in recording.seconds.values()) == group.offered


async def test_the_same_seed_offers_the_same_requests(server: MisbehavingServer) -> None:
    steps = [Step("GET", "/ok", repeat=(1, 3)), Step("POST", "/other", headers={"Idempotency-Key": "{unique}"})]
    first = await load(server.url, *steps)
    seen = sorted(server.seen)
    server.seen.clear()
    second = await load(server.url, *steps)
    assert [group.offered for group in first.groups] == [group.offered for group in second.groups]
    assert sorted(server.seen) == seen  # the random Idempotency-Keys too


@pytest.mark.parametrize("path", ["/chunked", "/early-hints", "/split", "/empty", "/close", "/until-close"])
async def test_every_shape_of_a_right_response_is_right(server: MisbehavingServer, path: str) -> None:
    recording = await load(server.url, Step("GET", path), rate=60)
    group = recording.groups[0]
    assert group.errors == {}
    assert group.succeeded == group.offered > 0


@pytest.mark.parametrize(
    ("path", "kind"),
    [("/500", "status 5xx"), ("/404", "status 4xx"), ("/garbage", "garbage"), ("/too-much", "garbage"),
     ("/reset", "reset")],
)  # fmt: skip
async def test_every_fault_has_its_kind(server: MisbehavingServer, path: str, kind: str) -> None:
    recording = await load(server.url, Step("GET", path), rate=60)
    group = recording.groups[0]
    assert group.errors == {kind: group.offered}
    assert group.succeeded == 0
    assert group.histogram().count == 0


async def test_a_hanging_server_is_a_timeout_with_its_latency(server: MisbehavingServer) -> None:
    recording = await load(server.url, Step("GET", "/hang"), rate=40, users=100, timeout_seconds=0.3)
    group = recording.groups[0]
    assert set(group.errors) <= {"timeout", "unfinished"}
    assert group.failed() == group.offered > 0
    assert group.histogram().percentile_us(50) >= 290_000


async def test_a_server_that_is_not_there_is_a_connect_error() -> None:
    recording = await load("http://127.0.0.1:9", Step("GET", "/"), rate=50)
    assert set(recording.errors) == {"connect"}
    assert recording.errors["connect"] == sum(second.offered for second in recording.seconds.values()) > 0
    assert "cannot connect to http://127.0.0.1:9" in recording.first_problems[0]


async def test_a_stall_shows_in_the_latency_of_all_that_was_due_meanwhile(
    server: MisbehavingServer,
) -> None:
    """Coordinated omission: four users, all stuck for a second. A closed loop would count four slow requests."""
    asyncio.get_running_loop().call_later(0.5, lambda: setattr(server, "stall_until", time.monotonic() + 1.0))
    recording = await load(server.url, Step("GET", "/ok"), users=4, rate=200, seconds=3.0)
    histogram = recording.groups[0].histogram()
    assert recording.groups[0].errors == {}
    # About 200 of 600 requests were due in the stalled second, their delays evenly from 1 s down to 0: half of
    # them above 0.5 s, and more where the machine needs a while to work off what waited.
    assert histogram.percentile_us(99) > 900_000
    assert histogram.above(500_000) > 60
    service = recording.groups[0].service
    assert sum(count for value, count in service.items() if value > 500_000) <= 4


async def test_values_and_cookies_travel_from_response_to_request(server: MisbehavingServer) -> None:
    steps = [
        Step("POST", "/login"),
        Step("GET", "/json", reads=capture(item="items.*.id", number="id")),
        Step("GET", "/items/{item}?n={number}", when=lambda user: "session" in user.cookies),
    ]
    recording = await load(server.url, *steps, users=2, rate=60)
    assert all(group.errors == {} for group in recording.groups)
    third = [text for text in server.seen if text.startswith("GET /items/")]
    assert third
    assert all(text.startswith("GET /items/a%2Fb?n=7 ") for text in third)
    assert all("Cookie: session=s3\r\n" in text for text in third)
    assert not any("Cookie" in text for text in server.seen if text.startswith("POST /login"))


async def test_users_start_in_the_midst_of_a_visit(server: MisbehavingServer) -> None:
    """Ten requests after the start, all steps are as frequent as in the long run."""
    steps = [Step("GET", f"/{name}") for name in ("first", "second", "third", "fourth")]
    recording = await load(server.url, *steps, users=400, rate=400)
    offered = [group.offered for group in recording.groups]
    assert min(offered) > 0.5 * max(offered)
    before = sum(server.requests.values()) - sum(offered)
    assert before == pytest.approx(400 * 1.5, rel=0.2)  # 0 to 3 steps behind each user


async def test_a_refused_body_and_an_unreadable_one_are_invalid(server: MisbehavingServer) -> None:
    def refuse(response: Response) -> bool:
        return response.body != b"ok"

    def read(user: User, response: Response) -> None:
        user.state["id"] = response.json()["id"]

    recording = await load(server.url, Step("GET", "/a", check=refuse), Step("GET", "/b", reads=read), rate=60)
    assert recording.groups[0].errors == {"invalid body": recording.groups[0].offered}
    assert recording.groups[1].offered == 0  # a failed step ends the visit
    second = await load(server.url, Step("GET", "/b", reads=read), rate=60)
    assert second.groups[0].errors == {"invalid body": second.groups[0].offered}


async def test_a_journey_that_cannot_build_its_request_is_told_apart(server: MisbehavingServer) -> None:
    recording = await load(server.url, Step("GET", "/carts/{cart}"), rate=50)
    assert set(recording.errors) == {"journey"}
    assert "KeyError: 'cart'" in recording.first_problems[0]


async def test_progress_is_reported_each_second(server: MisbehavingServer) -> None:
    reports: list[tuple[int, int]] = []

    def report(index: int, second: Second, latency: dict[int, int]) -> None:
        reports.append((index, sum(latency.values())))

    plan = Plan(target=Target.of(server.url), journeys="", folder="", users=5, rate=100, duration_seconds=3.2,
                warmup_seconds=0.0)  # fmt: skip
    generator = Generator(plan, [Journey("a", [Step("GET", "/")])], on_second=report)
    await generator.connect()
    await generator.run(time.monotonic())
    await generator.close()
    # On a busy machine the last whole second may be over only when the run is.
    assert [index for index, _ in reports] in ([0, 1], [0, 1, 2])
    assert sum(count for _, count in reports) > 100  # of 300: which second they fall in, the machine decides
