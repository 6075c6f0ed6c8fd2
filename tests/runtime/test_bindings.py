"""A process may use what its bindings name, and is told what to add when it asks for more."""

from __future__ import annotations

from pathlib import Path

import pytest

from rung.runtime.bindings import CacheBinding, QueueBinding, SecretBinding, binding, encode, secret, variable_name
from rung.runtime.errors import BindingError


def test_a_binding_survives_its_environment_variable() -> None:
    orders = QueueBinding(url="postgresql://x", lanes=("payment", "analytics"), max_receive_count=3)
    assert binding("orders", QueueBinding, {variable_name("orders"): encode(orders)}) == orders


def test_a_missing_binding_names_those_that_are_there() -> None:
    with pytest.raises(BindingError, match=r"no binding 'orders'.*RUNG_BINDING_CACHE.*uses="):
        binding("orders", QueueBinding, {"RUNG_BINDING_CACHE": "{}"})


def test_a_binding_of_another_kind_is_refused() -> None:
    with pytest.raises(BindingError, match="is a CacheBinding, not a QueueBinding"):
        binding("orders", QueueBinding, {variable_name("orders"): encode(CacheBinding(url="redis://x"))})


def test_a_damaged_binding_is_refused() -> None:
    with pytest.raises(BindingError, match="is not a binding"):
        binding("orders", QueueBinding, {variable_name("orders"): "{"})


def test_a_secret_is_read_each_time_so_that_rotation_is_seen(tmp_path: Path) -> None:
    file = tmp_path / "key"
    environment = {variable_name("stripe-key"): encode(SecretBinding(path=str(file)))}
    with pytest.raises(BindingError, match="cannot be read"):
        secret("stripe-key", environment)
    file.write_text("first\n")
    assert secret("stripe-key", environment) == "first"
    file.write_text("second\n")
    assert secret("stripe-key", environment) == "second"
