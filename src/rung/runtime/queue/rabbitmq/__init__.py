"""The queue on RabbitMQ: per lane one quorum queue, and another for its dead letters."""

from rung.runtime.queue.rabbitmq.adapter import RabbitQueue as RabbitQueue
