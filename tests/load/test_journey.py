"""Journeys become the right bytes, read what they should, and are mixed by share of requests."""

from __future__ import annotations

from collections import Counter

import pytest

from rung.load import Journey, Response, Step, User, capture
from rung.load.mix import Mix
from rung.load.request import Compiled
from rung.load.response import GarbageError, Parser, closes, cookies, scan


def user(**state: object) -> User:
    somebody = User(1, seed=1)
    somebody.state.update(state)
    return somebody


def encode(step: Step, somebody: User | None = None) -> str:
    return Compiled(step, host="127.0.0.1:8000", index=0).encode(somebody or user()).decode()


def test_a_request_without_names_is_encoded_once() -> None:
    compiled = Compiled(Step("GET", "/api/products?limit=20"), host="h", index=0)
    assert compiled.encode(user()) is compiled.encode(user())
    assert compiled.encode(user()).startswith(b"GET /api/products?limit=20 HTTP/1.1\r\nHost: h\r\n")


def test_names_are_filled_into_path_headers_and_body() -> None:
    step = Step("POST", "/carts/{cart}/items", headers={"Idempotency-Key": "{unique}", "If-Match": "{tag}"},
                body={"product": "{product}", "note": "for {cart}", "quantity": 2})  # fmt: skip
    somebody = user(cart="a/b", product=17, tag="x")
    first, second = encode(step, somebody), encode(step, somebody)
    assert first.startswith("POST /carts/a%2Fb/items HTTP/1.1\r\n")
    assert "If-Match: x\r\n" in first
    assert first.endswith('{"product":17,"note":"for a/b","quantity":2}')
    assert "Content-Type: application/json\r\n" in first
    keys = [
        next(line for line in text.split("\r\n") if line.startswith("Idempotency-Key")) for text in (first, second)
    ]
    assert keys[0] != keys[1]


def test_cookies_are_sent_and_a_body_less_post_says_its_length() -> None:
    somebody = user()
    somebody.cookies = {"session": "s3", "theme": "dark"}
    text = encode(Step("POST", "/checkout"), somebody)
    assert "Cookie: session=s3; theme=dark\r\n" in text
    assert "Content-Length: 0\r\n" in text


def test_a_name_that_was_never_captured_is_a_key_error() -> None:
    with pytest.raises(KeyError, match="cart"):
        encode(Step("GET", "/carts/{cart}"))


def test_capture_walks_keys_positions_and_picks_at_random() -> None:
    somebody = user()
    read = capture(first="items.0.id", some="items.*.id", total="total")
    read(somebody, Response(200, b"", b'{"items":[{"id":1},{"id":2},{"id":3}],"total":3}'))
    assert somebody.state["first"] == 1
    assert somebody.state["some"] in (1, 2, 3)
    assert somebody.state["total"] == 3
    with pytest.raises(KeyError):
        read(somebody, Response(200, b"", b"{}"))


def test_weights_are_shares_of_requests_not_of_visits() -> None:
    long = Journey("long", [Step("GET", "/long")] * 9, weight=90)
    short = Journey("short", [Step("POST", "/short")], weight=10)
    mix = Mix([long, short], host="h")
    somebody = user()
    counts: Counter[int] = Counter()
    for _ in range(20_000):
        counts.update(compiled.index for compiled in mix.choose(somebody))
    share = counts[1] / (counts[0] + counts[1])
    assert share == pytest.approx(0.10, abs=0.01)


def test_repeats_stay_between_their_bounds() -> None:
    mix = Mix([Journey("a", [Step("GET", "/a", repeat=(1, 3))])], host="h")
    assert {len(mix.choose(user())) for _ in range(1)} <= {1, 2, 3}
    somebody = user()
    assert {len(mix.choose(somebody)) for _ in range(200)} == {1, 2, 3}


@pytest.mark.parametrize(
    "make",
    [lambda: Journey("none", []), lambda: Journey("zero", [Step("GET", "/")], weight=0),
     lambda: Step("GET", "no-slash"), lambda: Step("GET", lambda somebody: "/x"),
     lambda: Step("GET", "/", repeat=(3, 1))],
)  # fmt: skip
def test_what_cannot_be_a_journey_is_refused_where_it_is_written(make: object) -> None:
    with pytest.raises(ValueError, match=r"step|journey|repeat"):
        make()  # type: ignore[operator]


def test_scanning_finds_the_end_of_a_plain_response() -> None:
    data = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ndate: x\r\n\r\nhello"
    frame = scan(data)
    assert frame is not None
    assert (frame.status, frame.end) == (200, len(data))
    assert scan(data[:20]) is None
    odd = scan(b"HTTP/1.1 404 No\r\nCONTENT-LENGTH:7\r\n\r\n")
    assert odd is not None
    assert odd.end - odd.head_end == 11
    empty = scan(b"HTTP/1.1 304 Not Modified\r\ncontent-length: 900\r\n\r\n")
    assert empty is not None
    assert empty.end == empty.head_end + 4


@pytest.mark.parametrize(
    "data", [b"SSH-2.0-x\r\n\r\n", b"HTTP/2 200\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n", b"x" * 70_000]
)
def test_what_is_no_response_is_garbage(data: bytes) -> None:
    with pytest.raises(GarbageError):
        scan(data)


def test_the_parser_takes_any_split() -> None:
    final = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
    data = b"HTTP/1.1 100 Continue\r\n\r\n" + final
    for split in range(1, len(data)):
        parser = Parser()
        parser.feed(data[:split])
        parser.feed(data[split:])
        assert (parser.done, parser.status, parser.body) == (True, 200, b"hello")


def test_heads_tell_of_cookies_and_closing() -> None:
    head = b"HTTP/1.1 200 OK\r\nSet-Cookie: a=1; Path=/\r\nset-cookie: b=; Max-Age=0\r\nConnection: close\r\n"
    assert cookies(head) == [("a", "1"), ("b", None)]
    assert closes(head)
    assert not closes(b"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\n")
