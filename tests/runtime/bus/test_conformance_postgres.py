"""The bus on Postgres keeps the whole contract."""

from __future__ import annotations

import pytest
from tests.runtime.bus.conftest import PostgresBusHarness

from rung.testing.bus_conformance import BusConformance


class TestPostgresBus(BusConformance):
    @pytest.fixture
    def harness(self, postgres_bus: PostgresBusHarness) -> PostgresBusHarness:
        return postgres_bus
