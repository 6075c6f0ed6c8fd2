"""A workflow that a rule starts: it writes down whom it greeted, and in which run."""

from __future__ import annotations

import json
from typing import Any

from rung.runtime import current, database
from rung.runtime.workflow import WorkflowContext

db = database("db")


async def write(connection: Any, what: dict[str, Any]) -> None:
    await connection.execute("insert into heard (who, what) values ('welcome', $1)", json.dumps(what))


async def welcome(context: WorkflowContext, event: dict[str, Any]) -> str:
    tenant = current().tenant
    what = {"said": event["detail"]["what"], "run": context.run_id, "tenant": tenant.id if tenant else None}
    await context.transaction("write", db, write, what)
    return "greeted"
