"""The merged log: aligned for people, one JSON object per line for machines, and no line can forge another."""

from __future__ import annotations

import io
import json

from rung.errors import Finding
from rung.local.logs import LogPrinter, finding_line, own_line, read_line, wants_colour


def printed(line: bytes, node: str = "api", **settings: object) -> str:
    stream = io.BytesIO()
    LogPrinter(stream=stream, **settings)(read_line(node, line))  # type: ignore[arg-type]
    return stream.getvalue().decode()


def test_a_json_line_is_passed_through_untouched() -> None:
    line = b'{"time":"2026-01-01T00:00:00Z","level":"info","event":"order placed","node":"api","order":7}'
    assert printed(line, format="json").encode() == line + b"\n"


def test_json_without_a_node_gets_one_and_text_becomes_an_event() -> None:
    assert json.loads(printed(b'{"event":"started"}', format="json"))["node"] == "api"
    content = json.loads(printed(b"Traceback (most recent call last):", format="json"))
    assert (content["event"], content["node"]) == ("Traceback (most recent call last):", "api")


def test_broken_json_is_text() -> None:
    assert json.loads(printed(b'{"event": ', format="json"))["event"] == '{"event": '
    assert json.loads(printed(b'{"no_event": 1}', format="json"))["event"] == '{"no_event": 1}'


def test_a_person_reads_time_node_event_and_details() -> None:
    line = b'{"time":"2026-01-01T00:00:00Z","level":"warning","event":"slow","node":"api","duration_ms":12.3456}'
    text = printed(line, width=6)
    assert text.endswith("  api     WARNING slow duration_ms=12.35\n")


def test_nodes_are_aligned() -> None:
    stream = io.BytesIO()
    printer = LogPrinter(stream=stream)
    for node in ("expire-carts", "api"):
        printer(read_line(node, b'{"event":"here","time":"2026-01-01T00:00:00Z"}'))
    first, second = stream.getvalue().decode().splitlines()
    assert first.index("here") == second.index("here")


def test_a_value_can_neither_move_the_cursor_nor_begin_a_line() -> None:
    text = printed(b'{"event":"by \\u001b[2J\\nforged","user":"a\\nforged b\\r"}')
    assert "\x1b" not in text
    assert text.count("\n") == 1


def test_a_traceback_is_shown_as_a_block() -> None:
    text = printed(b'{"event":"failed","exception":"Traceback\\n  line 1"}')
    assert text.endswith("failed\nTraceback\n  line 1\n")


def test_findings_are_whole_for_people_and_fields_for_machines() -> None:
    finding = Finding(code="R0307", severity="error", message="cannot be imported", help="correct it")
    line = finding_line("not reloaded", [finding])
    stream = io.BytesIO()
    LogPrinter(stream=stream)(line)
    assert "error[R0307]: cannot be imported\n   help: correct it" in stream.getvalue().decode()
    assert json.loads(line.text)["findings"][0]["code"] == "R0307"


def test_colour_is_for_terminals_that_want_it() -> None:
    class Terminal(io.BytesIO):
        def isatty(self) -> bool:
            return True

    assert wants_colour(Terminal(), {})
    assert not wants_colour(Terminal(), {"NO_COLOR": "1"})
    assert not wants_colour(Terminal(), {"TERM": "dumb"})
    assert not wants_colour(io.BytesIO(), {})
    assert "\x1b[" in printed(own_line("hello").text, colour=True)


def test_a_reader_that_is_gone_does_not_stop_us() -> None:
    stream = io.BytesIO()
    stream.close()
    LogPrinter(stream=stream)(own_line("nobody reads this"))
