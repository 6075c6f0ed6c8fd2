"""Mends of moto 5.2: each function puts one gap right and says which."""

from __future__ import annotations

import json
import secrets
from typing import Any

from moto.budgets.responses import BudgetsResponse
from moto.cloudwatch.responses import CloudWatchResponse
from moto.core.responses import ActionResult, EmptyResult
from moto.ec2.models import EC2Backend
from moto.ec2.models.security_groups import SecurityGroupRule
from moto.ec2.responses import EC2Response
from moto.rds.models import DBInstance
from moto.sqs.models import Queue, SQSBackend
from tests.terraform.emulator.caches import mend_caches
from tests.terraform.emulator.memory import mend_memory


def mend() -> None:
    """All of them."""
    identities_of_database_instances()
    attributes_of_queues()
    notices_of_budgets()
    descriptions_of_rules()
    composite_alarms()
    monitoring_of_instances()
    interfaces_of_terminated_instances()
    mend_caches()
    mend_memory()


def identities_of_database_instances() -> None:
    """Every instance of moto has one and the same resource id, and the provider reads instances by it."""
    instance: Any = DBInstance
    begin = instance.__init__

    def begin_with_identity(self: Any, *arguments: Any, **options: Any) -> None:
        begin(self, *arguments, **options)
        self.dbi_resource_id = f"db-{secrets.token_hex(13).upper()}"

    instance.__init__ = begin_with_identity


def attributes_of_queues() -> None:
    """Who may use a queue as its dead-letter queue is not kept, and setting anything else removes the policy."""
    queue: Any = Queue
    write, read = queue._set_attributes, queue.attributes.fget
    backend: Any = SQSBackend
    get = backend.get_queue_attributes

    def write_keeping_policy(self: Any, attributes: dict[str, Any], now: Any = None) -> None:
        given = dict(attributes)
        allowed = given.pop("RedriveAllowPolicy", None)
        if "Policy" not in given and getattr(self, "_policy_json", None) is not None:
            given["Policy"] = self.policy
        write(self, given, now)
        if allowed is not None:
            self.redrive_allow_policy = allowed

    def read_all(self: Any) -> dict[str, Any]:
        found = read(self)
        if getattr(self, "redrive_allow_policy", None):
            found["RedriveAllowPolicy"] = self.redrive_allow_policy
        redrive = found.get("RedrivePolicy")
        if isinstance(redrive, str) and json.loads(redrive):
            found["RedrivePolicy"] = json.dumps(json.loads(redrive), separators=(",", ":"))
        return found

    def get_all(self: Any, name: str, names: list[str]) -> dict[str, Any]:
        known = [each for each in names if each != "RedriveAllowPolicy"]
        found = get(self, name, known) if known else {}
        return found | {key: value for key, value in self.get_queue(name).attributes.items() if key in names}

    queue._set_attributes, queue.attributes = write_keeping_policy, property(read_all)
    backend.get_queue_attributes = get_all


def notices_of_budgets() -> None:
    """Who is told of a budget: moto keeps it, and does not tell it."""
    budgets: Any = BudgetsResponse

    def subscribers(self: Any) -> str:
        budget = self.backend.budgets[self._get_param("AccountId")][self._get_param("BudgetName")]
        wanted = self._get_param("Notification")
        told = [each.subscribers for each in budget.notifications if _same_notice(each.details, wanted)]
        return json.dumps({"Subscribers": told[0] if told else []})

    budgets.describe_subscribers_for_notification = subscribers


def _same_notice(one: dict[str, Any], other: dict[str, Any]) -> bool:
    names = ("NotificationType", "ComparisonOperator", "Threshold")
    return all(one.get(name) == other.get(name) for name in names)


def descriptions_of_rules() -> None:
    """A rule that names another group or a prefix list loses its description."""
    rule: Any = SecurityGroupRule
    begin = rule.__init__

    def begin_with_description(self: Any, *arguments: Any, **options: Any) -> None:
        begin(self, *arguments, **options)
        ends = [each for each in (*arguments, *options.values()) if isinstance(each, dict)]
        self.said = next((end["Description"] for end in ends if end.get("Description")), None)

    rule.__init__ = begin_with_description
    rule.description = property(lambda self: self.said)


def composite_alarms() -> None:
    """moto can tell composite alarms and cannot take them."""
    alarms: Any = CloudWatchResponse

    def put(self: Any) -> ActionResult:
        given = self._get_params()
        self.cloudwatch_backend.put_metric_alarm(
            name=given["AlarmName"], namespace="", metric_name="", comparison_operator="", evaluation_periods=0,
            period=0, threshold=0.0, statistic="", description=given.get("AlarmDescription", ""), dimensions=[],
            alarm_actions=given.get("AlarmActions", []), ok_actions=given.get("OKActions", []),
            insufficient_data_actions=given.get("InsufficientDataActions", []), rule=given["AlarmRule"],
            tags=given.get("Tags", []),
        )  # fmt: skip
        return EmptyResult()

    alarms.put_composite_alarm = put


def monitoring_of_instances() -> None:
    """Detailed metrics of an instance: moto knows whether they are on, and cannot turn them on."""
    machines: Any = EC2Response

    def monitor(self: Any) -> ActionResult:
        told = []
        for name in self._get_param("InstanceIds", []):
            self.ec2_backend.get_instance(name).monitoring_state = "enabled"
            told.append({"InstanceId": name, "Monitoring": {"State": "enabled"}})
        return ActionResult({"InstanceMonitorings": told})

    machines.monitor_instances = monitor


def interfaces_of_terminated_instances() -> None:
    """A machine that is gone keeps its network interface, which then cannot be deleted."""
    machines: Any = EC2Backend
    terminate = machines.terminate_instances

    def terminate_and_detach(self: Any, instance_ids: list[str]) -> Any:
        told = terminate(self, instance_ids)
        for interface in list(self.enis.values()):
            if interface.instance is not None and interface.instance.id in instance_ids:
                interface.instance = interface.attachment_id = interface.device_index = None
                interface.status = "available"
        return told

    machines.terminate_instances = terminate_and_detach
