"""The process that works a queue off: `python -m rung.runtime.worker --queue orders --handler module:handle`."""

from rung.runtime.worker.handler import load_handler as load_handler
from rung.runtime.worker.worker import Worker as Worker
from rung.runtime.worker.worker import WorkerSettings as WorkerSettings
