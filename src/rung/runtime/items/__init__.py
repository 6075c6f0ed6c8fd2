"""Items by key: `table("visits")`, on DynamoDB and in a file of `rung dev`."""

from rung.runtime.items.port import ITEM_BYTES_MAX as ITEM_BYTES_MAX
from rung.runtime.items.port import ConditionFailedError as ConditionFailedError
from rung.runtime.items.port import Page as Page
from rung.runtime.items.port import Table as Table
from rung.runtime.items.registry import open_table as open_table
from rung.runtime.items.registry import table as table
