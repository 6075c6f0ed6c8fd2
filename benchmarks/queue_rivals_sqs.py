"""The rival of benchmarks/queues_sqs.py: celery's application, as its documentation has it, without results.

`QUEUE_SQS` is the host and port of the server. What SQS does not carry (remote control, events) is off.
"""

from __future__ import annotations

import os

from celery import Celery
from queue_counter import note

PLACE = os.environ.get("QUEUE_SQS", "localhost:5000")

celery_app = Celery("bench", broker=f"sqs://benchmark:unused@{PLACE}//")
celery_app.conf.update(
    task_acks_late=True,
    task_ignore_result=True,
    worker_prefetch_multiplier=4,
    worker_enable_remote_control=False,
    broker_transport_options={"is_secure": False, "region": os.environ.get("AWS_DEFAULT_REGION", "eu-central-1")},
)


@celery_app.task(name="bench")
def celery_handle(body: str) -> None:
    """A no-op."""
    del body
    note()
