"""Secrets Manager is asked rarely, never waited for twice, and never quoted."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable

import pytest
from tests.aws.emulator import Emulator

from rung.runtime.aws.secrets import KEEP_SECONDS, RENEW_SECONDS, Secrets
from rung.runtime.bindings import SecretBinding, encode, secret, secret_versions, variable_name
from rung.runtime.database.login import login_of
from rung.runtime.errors import BindingError, UnavailableError
from rung.testing import ShiftedClock

ARN = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:shop-key-AbCdEf"


class Source:
    """Secrets Manager as the tests want it."""

    def __init__(self) -> None:
        self.value = "first"
        self.error: Exception | None = None
        self.asked: list[tuple[str, str | None, str]] = []
        self.gate: threading.Event | None = None

    def fetch(self, arn: str, region: str | None, stage: str) -> str:
        self.asked.append((arn, region, stage))
        if self.gate is not None:
            assert self.gate.wait(5)
        if self.error is not None:
            raise self.error
        return self.value


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
def clock() -> ShiftedClock:
    return ShiftedClock()


@pytest.fixture
def secrets(source: Source, clock: ShiftedClock) -> Secrets:
    return Secrets(source.fetch, clock=clock)


def _until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_a_value_is_fetched_once_from_the_region_of_its_arn(secrets: Secrets, source: Source) -> None:
    assert [secrets.read(ARN) for _ in range(3)] == ["first"] * 3
    assert source.asked == [(ARN, "eu-central-1", "AWSCURRENT")]


def test_a_value_is_renewed_in_the_background_and_nobody_waits(
    secrets: Secrets, source: Source, clock: ShiftedClock
) -> None:
    secrets.read(ARN)
    source.value, source.gate = "second", threading.Event()
    clock.shift_seconds += RENEW_SECONDS + 1
    assert [secrets.read(ARN) for _ in range(5)] == ["first"] * 5
    source.gate.set()
    _until(lambda: secrets.read(ARN) == "second")
    assert len(source.asked) == 2


def test_after_five_minutes_the_new_value_is_waited_for(
    secrets: Secrets, source: Source, clock: ShiftedClock
) -> None:
    secrets.read(ARN)
    source.value = "second"
    clock.shift_seconds += KEEP_SECONDS + 1
    assert secrets.read(ARN) == "second"


def test_an_outage_leaves_the_last_value_and_a_lost_right_does_not(
    secrets: Secrets, source: Source, clock: ShiftedClock
) -> None:
    secrets.read(ARN)
    clock.shift_seconds += KEEP_SECONDS + 1
    source.error = UnavailableError("away")
    assert secrets.read(ARN) == "first"
    with pytest.raises(UnavailableError):
        secrets.read(ARN, fresh=True)
    source.error = BindingError("denied")
    with pytest.raises(BindingError):
        secrets.read(ARN)


def test_many_readers_of_an_unknown_secret_ask_once(secrets: Secrets, source: Source) -> None:
    source.gate = threading.Event()
    read: list[str] = []
    threads = [threading.Thread(target=lambda: read.append(secrets.read(ARN))) for _ in range(8)]
    for thread in threads:
        thread.start()
    _until(lambda: len(source.asked) == 1)
    source.gate.set()
    for thread in threads:
        thread.join()
    assert (read, len(source.asked)) == (["first"] * 8, 1)


def test_an_application_reads_it_and_the_value_before_while_it_is_rotated(aws: Emulator) -> None:
    manager = aws.client("secretsmanager")
    arn = manager.create_secret(Name="session-key", SecretString="old\n")["ARN"]
    place = SecretBinding(source="secretsmanager", arn=arn, region="eu-central-1")
    environment = {variable_name("session-key"): encode(place)}
    assert secret("session-key", environment) == "old"
    assert secret_versions("session-key", environment) == ("old",)
    manager.put_secret_value(SecretId=arn, SecretString="new")
    from rung.runtime.aws.secrets import SECRETS

    SECRETS.forget()
    assert secret_versions("session-key", environment) == ("new", "old")


def test_a_secret_that_is_not_there_is_said_with_what_to_do(aws: Emulator) -> None:
    place = SecretBinding(source="secretsmanager", arn=ARN)
    with pytest.raises(BindingError, match=r"there is no secret shop-key-AbCdEf.*apply the environment"):
        secret("key", {variable_name("key"): encode(place)})


def test_a_secret_manager_that_does_not_answer_is_said_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    from rung.runtime.aws.client import forget_clients

    for name, value in {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_ACCESS_KEY_ID": "a"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
    forget_clients()
    began = time.monotonic()
    with pytest.raises(UnavailableError, match="no answer"):
        secret("key", {variable_name("key"): encode(SecretBinding(source="secretsmanager", arn=ARN + "x"))})
    forget_clients()
    assert time.monotonic() - began < 6


@pytest.mark.parametrize(
    "text", ["hunter2", '{"password": "hunter2"}', '["hunter2"]', '{"username": "u", hunter2']
)
def test_a_damaged_login_is_refused_without_quoting_it(text: str) -> None:
    with pytest.raises(BindingError) as raised:
        login_of(text)
    assert "hunter2" not in str(raised.value)
    assert "hunter2" not in repr(login_of(json.dumps({"username": "u", "password": "hunter2"})))
