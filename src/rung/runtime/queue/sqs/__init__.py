"""The queue on Amazon SQS: one queue, and one dead-letter queue, per lane."""

from rung.runtime.queue.sqs.adapter import SqsQueue as SqsQueue
