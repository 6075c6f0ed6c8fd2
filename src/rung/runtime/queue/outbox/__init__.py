"""The outbox of every queue whose broker is in no database, and the half of such a queue that sends."""

from rung.runtime.queue.outbox.outbox import Outbox as Outbox
from rung.runtime.queue.outbox.outbox import flush_written as flush_written
from rung.runtime.queue.outbox.outbox import outbox_place as outbox_place
from rung.runtime.queue.outbox.relay import MESSAGE_GROUP_HEADER as MESSAGE_GROUP_HEADER
from rung.runtime.queue.outbox.relay import Refusal as Refusal
from rung.runtime.queue.outbox.relay import group_of as group_of
from rung.runtime.queue.outbox.sending import OutboxSending as OutboxSending
