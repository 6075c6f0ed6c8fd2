"""From the graph to a design: what each node becomes on a rung. Pure, and the standard library only.

One module per rung says, node by node, what each becomes; the modules beside them hold what rungs share: sizes,
access, reach, stores, the entrance, alarms.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rung.errors import ModelError, UsageError
from rung.model.graph import Graph
from rung.parts.design import Design

if TYPE_CHECKING:
    from rung.rungs.setting import Setting

#: The rungs of AWS that a workload can be placed on, from the smallest up.
RUNGS = ("box", "host", "fargate", "eks", "serverless")


def place(graph: Graph, environment: str, *, rung: str | None = None) -> Design:
    """What `graph` becomes in `environment` on `rung`; None: the environment's own, else fargate.

    Raises ModelError with everything that the rung cannot hold (R08xx), UsageError for an unknown environment.
    """
    from rung.rungs.afterthoughts import afterthoughts_of
    from rung.rungs.contradictions import contradictions_of
    from rung.rungs.misnamed import misnamed_of
    from rung.rungs.refusals import BLOCKING, refusals_of
    from rung.rungs.setting import setting_of

    setting = setting_of(graph, environment, rung)
    if setting.rung not in RUNGS:
        from rung.near import suggestion

        there = ", ".join(RUNGS)
        raise UsageError(f"no rung {setting.rung!r}{suggestion(setting.rung, RUNGS)}; there are {there}")
    findings = [*refusals_of(setting), *contradictions_of(setting), *misnamed_of(setting)]
    if any(finding.code in BLOCKING for finding in findings):
        raise ModelError(*findings)
    design = _placed(setting)
    findings += afterthoughts_of(setting, design)
    if findings:
        raise ModelError(*findings)
    return design


def _placed(setting: Setting) -> Design:
    match setting.rung:
        case "box":
            from rung.rungs import box

            return box.design(setting)
        case "host":
            from rung.rungs import host

            return host.design(setting)
        case "eks":
            from rung.rungs import eks

            return eks.design(setting)
        case "serverless":
            from rung.rungs import serverless

            return serverless.design(setting)
        case _:
            from rung.rungs import fargate

            return fargate.design(setting)
