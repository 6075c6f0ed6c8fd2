"""For the tests of applications and adapters: clocks, fault proxies, fakes, conformance suites.

`rung.testing.queue_conformance` and `rung.testing.store_conformance` need pytest, and are imported from there.
"""

from rung.runtime.queue.memory import MemoryBroker as MemoryBroker
from rung.runtime.queue.memory import MemoryQueue as MemoryQueue
from rung.testing.clock import ManualClock as ManualClock
from rung.testing.clock import ShiftedClock as ShiftedClock
from rung.testing.clock import settle as settle
from rung.testing.plans import assert_uses_index as assert_uses_index
from rung.testing.plans import plan_of as plan_of
from rung.testing.proxy import FaultProxy as FaultProxy
