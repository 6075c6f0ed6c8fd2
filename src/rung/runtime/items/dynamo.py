"""A table on DynamoDB, through botocore in threads (docs/adr/0012-queue-on-sqs.md)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rung.errors import ApplicationError
from rung.runtime import lifespan
from rung.runtime.aws.client import Caller
from rung.runtime.aws.failures import code_of
from rung.runtime.bindings import TableBinding
from rung.runtime.clock import SYSTEM_CLOCK, Clock
from rung.runtime.items.port import Condition, ConditionFailedError, Range, RawItem, Table

THREADS = 16


class DynamoTable(Table):
    """One table on DynamoDB. Reads are consistent: what was written is read."""

    def __init__(self, name: str, binding: TableBinding, *, clock: Clock = SYSTEM_CLOCK) -> None:
        super().__init__(name, binding, clock=clock)
        self._caller = Caller("dynamodb", binding.region, threads=THREADS)
        self._forget = lifespan.register(f"table {name}", close=self.close)

    async def close(self) -> None:
        """See Table."""
        self._forget()
        self._caller.close()

    async def _call(self, operation: str, **parameters: Any) -> Any:
        table = self.binding.name
        try:
            return await self._caller.call(operation, f"table {table}", TableName=table, **parameters)
        except ApplicationError as error:
            if error.__cause__ is not None and code_of(error.__cause__) == "ConditionalCheckFailedException":
                raise ConditionFailedError(f"table {self.name}: the item is not as expected") from error
            raise

    async def _get(self, key: RawItem) -> RawItem | None:
        answer = await self._call("GetItem", Key=key, ConsistentRead=True)
        found: RawItem | None = answer.get("Item")
        return found

    async def _put(self, item: RawItem, condition: Condition | None) -> None:
        await self._call("PutItem", Item=item, **self._expression(condition))

    async def _delete(self, key: RawItem, condition: Condition | None) -> None:
        await self._call("DeleteItem", Key=key, **self._expression(condition))

    async def _query(self, partition: str, wanted: Range, limit: int) -> tuple[list[RawItem], bool]:
        sort = str(self.binding.sort_key)
        names = {"#p": self.binding.partition_key}
        values = {":p": {"S": partition}}
        clause, bounds = _sort_clause(wanted)
        if clause:
            names["#s"] = sort
            values |= {name: {"S": value} for name, value in bounds.items()}
        start: dict[str, Any] = {}
        if wanted.after is not None:
            key = {self.binding.partition_key: {"S": partition}, sort: {"S": wanted.after}}
            start = {"ExclusiveStartKey": key}
        answer = await self._call(
            "Query", KeyConditionExpression=" and ".join(["#p = :p", *clause]), ExpressionAttributeNames=names,
            ExpressionAttributeValues=values, ConsistentRead=True, ScanIndexForward=not wanted.newest_first,
            Limit=limit, **start,
        )  # fmt: skip
        return list(answer["Items"]), "LastEvaluatedKey" in answer

    def _expression(self, condition: Condition | None) -> dict[str, Any]:
        if condition is None:
            return {}
        if condition.absent:
            names = {"#p": self.binding.partition_key}
            return {"ConditionExpression": "attribute_not_exists(#p)", "ExpressionAttributeNames": names}
        given: Mapping[str, Any] = condition.matches
        return {
            "ConditionExpression": " and ".join(f"#a{index} = :a{index}" for index in range(len(given))),
            "ExpressionAttributeNames": {f"#a{index}": name for index, name in enumerate(given)},
            "ExpressionAttributeValues": {f":a{index}": value for index, value in enumerate(given.values())},
        }


def _sort_clause(wanted: Range) -> tuple[list[str], dict[str, str]]:
    if wanted.begins_with:
        return ["begins_with(#s, :b)"], {":b": wanted.begins_with}
    if wanted.at_least is not None and wanted.at_most is not None:
        return ["#s between :l and :h"], {":l": wanted.at_least, ":h": wanted.at_most}
    if wanted.at_least is not None:
        return ["#s >= :l"], {":l": wanted.at_least}
    if wanted.at_most is not None:
        return ["#s <= :h"], {":h": wanted.at_most}
    return [], {}
