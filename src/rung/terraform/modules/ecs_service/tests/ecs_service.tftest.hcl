mock_provider "aws" {
  source          = "../testing"
  override_during = plan
}

# Ids are only made up, and changes only ignored, when something is applied.
mock_provider "aws" {
  alias  = "applied"
  source = "../testing"
}

variables {
  name = "shop-prod-api"
  role = "web"
  platform = {
    name           = "shop-prod"
    cluster_arn    = "arn:aws:ecs:eu-central-1:123456789012:cluster/shop-prod"
    cluster_name   = "shop-prod"
    vpc_id         = "vpc-1"
    subnet_ids     = ["subnet-1", "subnet-2"]
    image          = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/shop:1"
    repository_arn = "arn:aws:ecr:eu-central-1:123456789012:repository/shop"
    log_key_arn    = "arn:aws:kms:eu-central-1:123456789012:key/00000000-0000-0000-0000-000000000000"
    environment    = { RUNG_ENVIRONMENT = "prod" }
  }
  port = 8000
}

run "a_container_that_can_do_little_harm" {
  command = plan

  assert {
    condition     = local.container.readonlyRootFilesystem && local.container.user == "10001:10001" && local.container.linuxParameters.capabilities.drop == ["ALL"]
    error_message = "read-only, not root, no capabilities"
  }

  assert {
    condition     = local.container.linuxParameters.initProcessEnabled && local.container.ulimits[0].softLimit == 65536 && local.container.stopTimeout == 60
    error_message = "an init process that forwards signals, enough open files, time to stop"
  }

  assert {
    condition     = jsondecode(aws_ecs_task_definition.this.container_definitions)[0].name == "app" && !can(local.container.healthCheck) && !can(local.container.secrets)
    error_message = "nothing is in the definition that nobody asked for"
  }

  assert {
    condition     = contains(local.container.environment, { name = "RUNG_ENVIRONMENT", value = "prod" })
    error_message = "it is told what all tasks are told"
  }

  assert {
    condition     = !aws_ecs_service.this.network_configuration[0].assign_public_ip
    error_message = "no public address"
  }

  assert {
    condition     = aws_ecs_task_definition.this.execution_role_arn == aws_iam_role.execution.arn && aws_iam_role.execution.name != aws_iam_role.task.name
    error_message = "two roles"
  }

  assert {
    condition = [
      for s in jsondecode(aws_iam_role_policy.execution.policy).Statement : s.Sid if contains(s.Resource, "*")
    ] == ["RegistryToken"]
    error_message = "only the registry's token has no resource"
  }

  assert {
    condition     = jsondecode(aws_iam_role.task.assume_role_policy).Statement[0].Condition.StringEquals["aws:SourceAccount"] == "123456789012"
    error_message = "only ECS of this account may hand out the role"
  }

  assert {
    condition     = aws_cloudwatch_log_group.this.kms_key_id == var.platform.log_key_arn && aws_cloudwatch_log_group.this.retention_in_days == 30
    error_message = "the log is encrypted and ends"
  }
}

run "a_deployment_that_goes_back_when_it_fails" {
  command = plan

  variables {
    target_group_arns = ["arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/api/1"]
    rollback_alarms   = ["shop-prod-errors"]
    health_path       = "/health"
    grace_seconds     = 90
    discovery         = { namespace_id = "ns-1", name = "api" }
  }

  assert {
    condition     = aws_ecs_service.this.deployment_circuit_breaker[0].enable && aws_ecs_service.this.deployment_circuit_breaker[0].rollback
    error_message = "circuit breaker with rollback"
  }

  assert {
    condition     = aws_ecs_service.this.alarms[0].enable && aws_ecs_service.this.alarms[0].rollback && aws_ecs_service.this.alarms[0].alarm_names == toset(["shop-prod-errors"])
    error_message = "alarms roll back as well"
  }

  assert {
    condition     = aws_ecs_service.this.deployment_minimum_healthy_percent == 100 && aws_ecs_service.this.deployment_maximum_percent == 200 && aws_ecs_task_definition.this.skip_destroy
    error_message = "the new ones are up before the old ones go, and there is an old revision to go back to"
  }

  assert {
    condition     = aws_ecs_service.this.health_check_grace_period_seconds == 90 && local.container.healthCheck.startPeriod == 90
    error_message = "a slow start is not a failure"
  }

  assert {
    condition     = strcontains(local.container.healthCheck.command[3], "http://127.0.0.1:8000/health") && !strcontains(local.container.healthCheck.command[3], "localhost")
    error_message = "health is asked at an address, for localhost may be ::1"
  }

  assert {
    condition     = one(aws_service_discovery_service.this[0].dns_config[0].dns_records).ttl == 10 && length(aws_ecs_service.this.service_registries) == 1
    error_message = "found by name, and forgotten in ten seconds"
  }
}

run "requests_and_the_clock" {
  command = plan

  variables {
    target_group_arns    = ["arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/api/1"]
    target_group_suffix  = "targetgroup/api/1"
    load_balancer_suffix = "app/shop/1"
    min_tasks            = 2
    max_tasks            = 10
    scaling = {
      requests_target = 600
      memory_target   = 80
    }
    schedules = { sale = { cron = "cron(0 8 * * ? *)", timezone = "Europe/Zurich", min_tasks = 6 } }
  }

  assert {
    condition     = aws_appautoscaling_policy.requests[0].target_tracking_scaling_policy_configuration[0].predefined_metric_specification[0].resource_label == "app/shop/1/targetgroup/api/1"
    error_message = "requests are counted at this target group of this load balancer"
  }

  assert {
    condition     = aws_appautoscaling_policy.requests[0].target_tracking_scaling_policy_configuration[0].scale_out_cooldown == 60 && aws_appautoscaling_policy.requests[0].target_tracking_scaling_policy_configuration[0].scale_in_cooldown == 300
    error_message = "out fast, in slowly"
  }

  assert {
    condition     = length(aws_appautoscaling_policy.cpu) == 0 && length(aws_appautoscaling_policy.memory) == 1
    error_message = "the CPU is followed only when nothing else is, or when asked for"
  }

  assert {
    condition     = aws_appautoscaling_scheduled_action.this["sale"].scalable_target_action[0].min_capacity == "6" && aws_appautoscaling_scheduled_action.this["sale"].timezone == "Europe/Zurich"
    error_message = "other limits from a time on"
  }

  assert {
    condition     = length(aws_appautoscaling_target.this) == 0 && aws_appautoscaling_target.by_the_clock[0].max_capacity == var.max_tasks
    error_message = "limits that the clock has moved are no drift"
  }
}

run "a_worker_from_zero_on_spot" {
  command = plan

  variables {
    name       = "shop-prod-fulfil"
    role       = "worker"
    port       = null
    min_tasks  = 0
    spot_share = 0.7
    scaling    = { backlog_target = 20, from_zero = true, queue_names = ["payment", "analytics"] }
  }

  assert {
    condition     = one([for s in aws_ecs_service.this.capacity_provider_strategy : s.base if s.capacity_provider == "FARGATE"]) == 1 && one([for s in aws_ecs_service.this.capacity_provider_strategy : s.weight if s.capacity_provider == "FARGATE_SPOT"]) == 70
    error_message = "the first task is not on Spot, seven of ten others are"
  }

  assert {
    condition     = one([for m in aws_appautoscaling_policy.backlog[0].target_tracking_scaling_policy_configuration[0].customized_metric_specification[0].metrics : m.expression if m.id == "backlog_per_task"]) == "IF(FILL(tasks, 0) > 0, (q0 + q1 + f0 + f1) / FILL(tasks, 0), q0 + q1 + f0 + f1)"
    error_message = "no division by zero tasks, and messages in flight keep the last task"
  }

  assert {
    condition     = aws_appautoscaling_policy.from_zero[0].step_scaling_policy_configuration[0].adjustment_type == "ChangeInCapacity" && one(aws_appautoscaling_policy.from_zero[0].step_scaling_policy_configuration[0].step_adjustment).scaling_adjustment == 1
    error_message = "the first message starts one task"
  }

  assert {
    condition     = one([for q in aws_cloudwatch_metric_alarm.from_zero[0].metric_query : q.expression if q.id == "start"]) == "IF(FILL(tasks, 0) < 1 AND (q0 + q1) > 0, 1, 0)" && aws_cloudwatch_metric_alarm.from_zero[0].treat_missing_data == "notBreaching"
    error_message = "it adds a task only where none is wanted yet"
  }

  assert {
    condition     = length(aws_ecs_service.this.load_balancer) == 0 && aws_ecs_service.this.health_check_grace_period_seconds == null && local.container.portMappings == []
    error_message = "a worker has neither port nor load balancer"
  }
}

run "a_scheduler_is_never_twice" {
  command = plan

  variables {
    role      = "scheduler"
    max_tasks = 1
    port      = null
  }

  assert {
    condition     = aws_ecs_service.this.deployment_minimum_healthy_percent == 0 && aws_ecs_service.this.deployment_maximum_percent == 100 && aws_ecs_service.this.availability_zone_rebalancing == "DISABLED"
    error_message = "the old one goes before the new one comes"
  }

  assert {
    condition     = aws_appautoscaling_policy.cpu[0].target_tracking_scaling_policy_configuration[0].target_value == 70
    error_message = "some policy makes changed limits arrive"
  }
}

run "files_secrets_and_sessions" {
  command = plan

  variables {
    file_systems          = [{ id = "fs-1", access_point_id = "fsap-1", path = "/files", read_only = true }]
    secrets               = { KEY = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:shop-AbCdEf:key::" }
    key_arn               = "arn:aws:kms:eu-central-1:123456789012:key/1"
    sessions              = true
    session_log_group_arn = "arn:aws:logs:eu-central-1:123456789012:log-group:sessions"
    architecture          = "x86_64"
  }

  assert {
    condition     = one([for v in aws_ecs_task_definition.this.volume : v.efs_volume_configuration[0].transit_encryption if v.name == "shared-0"]) == "ENABLED" && one([for v in aws_ecs_task_definition.this.volume : v.efs_volume_configuration[0].authorization_config[0].iam if v.name == "shared-0"]) == "ENABLED"
    error_message = "files travel encrypted, and as the task's own role"
  }

  assert {
    condition     = one([for m in local.container.mountPoints : m.readOnly if m.containerPath == "/files"]) && !one([for m in local.container.mountPoints : m.readOnly if m.containerPath == "/tmp"])
    error_message = "what is read-only is"
  }

  assert {
    condition     = one([for s in jsondecode(aws_iam_role_policy.execution.policy).Statement : s.Resource if s.Sid == "ReadSecrets"]) == ["arn:aws:secretsmanager:eu-central-1:123456789012:secret:shop-AbCdEf"]
    error_message = "the secret itself, without the key of its JSON"
  }

  assert {
    condition     = aws_ecs_service.this.enable_execute_command && length(aws_iam_role_policy.sessions) == 1
    error_message = "sessions and what they need"
  }

  assert {
    condition     = aws_ecs_task_definition.this.runtime_platform[0].cpu_architecture == "X86_64"
    error_message = "the processor that was asked for"
  }
}

run "two_tasks_are_deployed" {
  command   = apply
  providers = { aws = aws.applied }

  variables {
    min_tasks = 2
  }

  assert {
    condition     = aws_ecs_service.this.desired_count == 2 && output.service_name == "shop-prod-api"
    error_message = "it begins with the fewest"
  }
}

run "the_number_of_tasks_is_the_autoscalers" {
  command   = plan
  providers = { aws = aws.applied }

  variables {
    min_tasks = 3
  }

  assert {
    condition     = aws_ecs_service.this.desired_count == 2 && aws_appautoscaling_target.this[0].min_capacity == 3
    error_message = "desired_count is ignored; the limit changes"
  }
}

run "wrong_values_are_refused" {
  command = plan

  variables {
    name = "shop prod"
    platform = {
      cluster_arn    = "arn:aws:ecs:eu-central-1:123456789012:cluster/shop-prod"
      cluster_name   = "shop-prod"
      vpc_id         = "vpc-1"
      subnet_ids     = []
      image          = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/shop:1"
      repository_arn = "arn:aws:ecr:eu-central-1:123456789012:repository/shop"
      log_key_arn    = "arn:aws:kms:eu-central-1:123456789012:key/00000000-0000-0000-0000-000000000000"
    }
    architecture   = "mips"
    health_command = ["curl"]
    stop_seconds   = 300
    environment    = { "A-B" = "1" }
    user           = "0"
    writable_paths = ["/"]
    file_systems   = [{ id = "fs-1", access_point_id = "fsap-1", path = "files" }]
    grace_seconds  = -1
    max_tasks      = 0
    on_demand_base = -1
    sessions       = true
    port           = 80
    cpu            = 3
  }

  expect_failures = [
    var.name, var.platform, var.architecture, var.health_command, var.stop_seconds, var.environment, var.user,
    var.writable_paths, var.file_systems, var.grace_seconds, var.max_tasks, var.on_demand_base, var.sessions,
    var.port, var.cpu,
  ]
}

run "days_that_cloudwatch_does_not_know_are_refused" {
  command = plan

  variables {
    platform = {
      cluster_arn    = "arn:aws:ecs:eu-central-1:123456789012:cluster/shop-prod"
      cluster_name   = "shop-prod"
      vpc_id         = "vpc-1"
      subnet_ids     = ["subnet-1"]
      image          = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/shop:1"
      repository_arn = "arn:aws:ecr:eu-central-1:123456789012:repository/shop"
      log_key_arn    = "arn:aws:kms:eu-central-1:123456789012:key/00000000-0000-0000-0000-000000000000"
      log_days       = 2
    }
  }

  expect_failures = [var.platform]
}

run "what_does_not_fit_together_is_refused" {
  command = plan

  variables {
    role              = "scheduler"
    port              = null
    health_path       = "/health"
    target_group_arns = ["arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/api/1"]
    discovery         = { namespace_id = "ns-1", name = "api" }
    memory_mib        = 4096
  }

  expect_failures = [var.role, var.health_path, var.target_group_arns, var.discovery, var.memory_mib]
}

run "a_role_that_is_none_is_refused" {
  command = plan

  variables {
    role = "daemon"
  }

  expect_failures = [var.role]
}

run "a_web_service_of_nothing_is_refused" {
  command = plan

  variables {
    min_tasks      = 0
    on_demand_base = 0
    spot_share     = 0.5
  }

  expect_failures = [var.min_tasks, var.spot_share]
}

run "more_than_all_on_spot_and_more_at_least_than_at_most_are_refused" {
  command = plan

  variables {
    min_tasks  = 5
    spot_share = 1.5
  }

  expect_failures = [var.min_tasks, var.spot_share]
}

run "no_room_to_scale_is_refused" {
  command = plan

  variables {
    scaling = { cpu_target = 95 }
  }

  expect_failures = [var.scaling]
}

run "a_target_of_nothing_is_refused" {
  command = plan

  variables {
    scaling = { backlog_target = 0, queue_names = ["a"] }
  }

  expect_failures = [var.scaling]
}

run "a_backlog_of_no_queue_is_refused" {
  command = plan

  variables {
    scaling = { backlog_target = 10 }
  }

  expect_failures = [var.scaling]
}

run "too_many_queues_are_refused" {
  command = plan

  variables {
    role      = "worker"
    min_tasks = 0
    scaling   = { backlog_target = 10, from_zero = true, queue_names = ["a", "b", "c", "d", "e"] }
  }

  expect_failures = [var.scaling]
}

run "from_zero_with_one_is_refused" {
  command = plan

  variables {
    scaling = { from_zero = true, queue_names = ["a"] }
  }

  expect_failures = [var.scaling]
}

run "zero_without_a_way_back_is_refused" {
  command = plan

  variables {
    role      = "worker"
    min_tasks = 0
    scaling   = { backlog_target = 10, queue_names = ["a"] }
  }

  expect_failures = [var.scaling]
}

run "a_schedule_by_no_clock_is_refused" {
  command = plan

  variables {
    schedules = { sale = { cron = "0 8 * * *", min_tasks = 1, max_tasks = 2 } }
  }

  expect_failures = [var.schedules]
}
