"""For the tests of applications and adapters: clocks, fault proxies, conformance suites."""

from rung.testing.clock import ManualClock as ManualClock
from rung.testing.clock import settle as settle
from rung.testing.proxy import FaultProxy as FaultProxy
