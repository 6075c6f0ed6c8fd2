"""What the emulators take and forget: kept here, so that a second plan finds what the first one asked for."""

from __future__ import annotations

import json
from typing import Any

from botocore import xform_name
from moto.applicationautoscaling.responses import ApplicationAutoScalingResponse
from moto.autoscaling.models import FakeScalingPolicy
from moto.autoscaling.responses import AutoScalingResponse
from moto.budgets.responses import BudgetsResponse
from moto.core.responses import ActionResult
from moto.ec2.responses.launch_templates import LaunchTemplates
from moto.ecs.responses import EC2ContainerServiceResponse
from moto.elbv2.models import FakeLoadBalancer
from moto.rds.models import DBCluster, DBInstance, DBParameterGroup


def mend_memory() -> None:
    """Everything that moto forgets of what our modules ask for."""
    services()
    tags_of_scaling_targets()
    tags_of_budgets()
    groups_of_machines()
    policies_of_groups()
    tags_of_launch_templates()
    scaling_of_clusters()
    insights_of_instances()
    sources_of_parameters()
    balancers_at_once()


def services() -> None:
    """A service keeps a third of what it is given; the provider replaces it when its strategy is gone."""
    responses: Any = EC2ContainerServiceResponse
    create = responses.create_service
    forgotten = (
        "availabilityZoneRebalancing", "capacityProviderStrategy", "deploymentConfiguration",
        "enableECSManagedTags", "enableExecuteCommand", "healthCheckGracePeriodSeconds",
    )  # fmt: skip

    def create_and_keep(self: Any) -> ActionResult:
        told: Any = create(self)
        _keep(told.result["service"], self._get_params(), forgotten)
        return ActionResult(told.result)

    responses.create_service = create_and_keep


def _keep(model: Any, given: dict[str, Any], names: tuple[str, ...]) -> None:
    """Give a model of moto what it was asked for, under the names by which it is told."""
    for name in names:
        if name in given:
            setattr(model, xform_name(name), given[name])


def tags_of_scaling_targets() -> None:
    """The provider lists the tags of scaling targets after it made them; moto knows no tags there."""
    responses: Any = ApplicationAutoScalingResponse
    register = responses.register_scalable_target
    kept: dict[str, dict[str, str]] = {}

    def register_and_keep(self: Any) -> str:
        told = str(register(self))
        kept.setdefault(json.loads(told)["ScalableTargetARN"], self._get_param("Tags") or {})
        return told

    responses.register_scalable_target = register_and_keep
    responses.list_tags_for_resource = lambda self: json.dumps(
        {"Tags": kept.get(self._get_param("ResourceARN"), {})}
    )


def tags_of_budgets() -> None:
    """As with scaling targets. The name of a budget is the end of its ARN."""
    responses: Any = BudgetsResponse
    create = responses.create_budget
    kept: dict[str, list[dict[str, str]]] = {}

    def create_and_keep(self: Any) -> str:
        kept[self._get_param("Budget")["BudgetName"]] = self._get_param("ResourceTags") or []
        return str(create(self))

    def tags(self: Any) -> str:
        return json.dumps({"ResourceTags": kept.get(self._get_param("ResourceARN").rsplit("/", 1)[-1], [])})

    responses.create_budget, responses.list_tags_for_resource = create_and_keep, tags


def groups_of_machines() -> None:
    """How long the machines of a group live and warm up is not kept."""
    responses: Any = AutoScalingResponse
    create = responses.create_auto_scaling_group
    forgotten = ("DefaultInstanceWarmup", "MaxInstanceLifetime", "CapacityReservationSpecification")

    def create_and_keep(self: Any) -> ActionResult:
        told: ActionResult = create(self)
        given = self._get_params()
        made: Any = self.autoscaling_backend.autoscaling_groups[given["AutoScalingGroupName"]]
        _keep(made, given, forgotten)
        return told

    responses.create_auto_scaling_group = create_and_keep


def policies_of_groups() -> None:
    """A scaling policy is always on for moto, which does not say so, and predictive without a prediction."""
    policy: Any = FakeScalingPolicy
    begin = policy.__init__

    def begin_enabled(self: Any, *arguments: Any, **options: Any) -> None:
        begin(self, *arguments, **options)
        self.enabled = True
        self.predictive_scaling_configuration = self.predictive_scaling_configuration or None

    policy.__init__ = begin_enabled


def tags_of_launch_templates() -> None:
    """moto tells the template's own tags as if its machines should have them."""
    responses: Any = LaunchTemplates
    create = responses.create_launch_template

    def create_without(self: Any) -> ActionResult:
        told: ActionResult = create(self)
        made = self.ec2_backend.get_launch_template_by_name(self._get_param("LaunchTemplateName"))
        data = made.latest_version().data
        kinds = [each for each in data["TagSpecifications"] if each["ResourceType"] != "launch-template"]
        data["TagSpecifications"] = kinds
        return told

    responses.create_launch_template = create_without


def scaling_of_clusters() -> None:
    """moto tells the settings of Serverless v1 of every cluster."""
    cluster: Any = DBCluster
    told = cluster.scaling_configuration_info.fget
    cluster.scaling_configuration_info = property(lambda self: told(self) if self.scaling_configuration else None)


def insights_of_instances() -> None:
    """Performance Insights: moto takes the three settings and keeps none."""
    instance: Any = DBInstance
    begin = instance.__init__

    def begin_with_insights(self: Any, *arguments: Any, **options: Any) -> None:
        begin(self, *arguments, **options)
        self.performance_insights_enabled = options.get("enable_performance_insights", False)
        self.performance_insights_kms_key_id = options.get("performance_insights_kms_key_id")
        self.performance_insights_retention_period = options.get("performance_insights_retention_period")

    instance.__init__ = begin_with_insights


def sources_of_parameters() -> None:
    """Of the parameters of a group, the provider looks at those that a user has set; moto does not say which."""
    group: Any = DBParameterGroup
    update = group.update_parameters

    def update_as_user(self: Any, given: Any) -> None:
        update(self, [{**each, "Source": "user"} for each in given])

    group.update_parameters = update_as_user


def balancers_at_once() -> None:
    """A load balancer is being made until somebody has asked once, and the provider asks every half minute."""
    balancer: Any = FakeLoadBalancer
    begin = balancer.__init__

    def begin_active(self: Any, *arguments: Any, **options: Any) -> None:
        begin(self, *arguments, **options)
        self.activate()

    balancer.__init__ = begin_active
