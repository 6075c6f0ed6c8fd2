# How many tasks: out fast, in slowly, and from nothing when the first message comes.

locals {
  targets = [var.scaling.cpu_target, var.scaling.memory_target, var.scaling.requests_target, var.scaling.backlog_target]

  # Limits take effect when a policy acts: without any policy, a changed min_tasks would never arrive.
  cpu_target = var.scaling.cpu_target != null ? var.scaling.cpu_target : alltrue([for t in local.targets : t == null]) ? 70 : null

  queues = { for index, name in var.scaling.queue_names : "q${index}" => name }

  # From zero, messages in flight count as well: nobody would be left to finish them otherwise.
  in_flight = var.scaling.from_zero ? { for index, name in var.scaling.queue_names : "f${index}" => name } : {}
  backlog   = join(" + ", concat(keys(local.queues), keys(local.in_flight)))
  waiting   = join(" + ", keys(local.queues))
}

resource "aws_appautoscaling_target" "this" {
  count = length(var.schedules) == 0 ? 1 : 0

  service_namespace  = "ecs"
  scalable_dimension = "ecs:service:DesiredCount"
  resource_id        = "service/${var.platform.cluster_name}/${aws_ecs_service.this.name}"
  min_capacity       = var.min_tasks
  max_capacity       = var.max_tasks
}

# The same where the clock moves the limits: what it has set by now is no drift.
resource "aws_appautoscaling_target" "by_the_clock" {
  count = length(var.schedules) == 0 ? 0 : 1

  service_namespace  = "ecs"
  scalable_dimension = "ecs:service:DesiredCount"
  resource_id        = "service/${var.platform.cluster_name}/${aws_ecs_service.this.name}"
  min_capacity       = var.min_tasks
  max_capacity       = var.max_tasks

  lifecycle {
    ignore_changes = [min_capacity, max_capacity]
  }
}

locals {
  target = one(concat(aws_appautoscaling_target.this, aws_appautoscaling_target.by_the_clock))
}

resource "aws_appautoscaling_policy" "cpu" {
  count = local.cpu_target == null ? 0 : 1

  name               = "${var.name}-cpu"
  policy_type        = "TargetTrackingScaling"
  service_namespace  = local.target.service_namespace
  scalable_dimension = local.target.scalable_dimension
  resource_id        = local.target.resource_id

  target_tracking_scaling_policy_configuration {
    target_value       = local.cpu_target
    scale_out_cooldown = var.scaling.scale_out_cooldown_seconds
    scale_in_cooldown  = var.scaling.scale_in_cooldown_seconds

    predefined_metric_specification {
      predefined_metric_type = "ECSServiceAverageCPUUtilization"
    }
  }
}

resource "aws_appautoscaling_policy" "memory" {
  count = var.scaling.memory_target == null ? 0 : 1

  name               = "${var.name}-memory"
  policy_type        = "TargetTrackingScaling"
  service_namespace  = local.target.service_namespace
  scalable_dimension = local.target.scalable_dimension
  resource_id        = local.target.resource_id

  target_tracking_scaling_policy_configuration {
    target_value       = var.scaling.memory_target
    scale_out_cooldown = var.scaling.scale_out_cooldown_seconds
    scale_in_cooldown  = var.scaling.scale_in_cooldown_seconds

    predefined_metric_specification {
      predefined_metric_type = "ECSServiceAverageMemoryUtilization"
    }
  }
}

resource "aws_appautoscaling_policy" "requests" {
  count = var.scaling.requests_target == null ? 0 : 1

  name               = "${var.name}-requests"
  policy_type        = "TargetTrackingScaling"
  service_namespace  = local.target.service_namespace
  scalable_dimension = local.target.scalable_dimension
  resource_id        = local.target.resource_id

  target_tracking_scaling_policy_configuration {
    target_value       = var.scaling.requests_target
    scale_out_cooldown = var.scaling.scale_out_cooldown_seconds
    scale_in_cooldown  = var.scaling.scale_in_cooldown_seconds

    predefined_metric_specification {
      predefined_metric_type = "ALBRequestCountPerTarget"
      resource_label         = "${var.load_balancer_suffix}/${var.target_group_suffix}"
    }
  }
}

# Messages waiting per running task. With no task there is nothing to divide by: the messages themselves then.
resource "aws_appautoscaling_policy" "backlog" {
  count = var.scaling.backlog_target == null ? 0 : 1

  name               = "${var.name}-backlog"
  policy_type        = "TargetTrackingScaling"
  service_namespace  = local.target.service_namespace
  scalable_dimension = local.target.scalable_dimension
  resource_id        = local.target.resource_id

  target_tracking_scaling_policy_configuration {
    target_value       = var.scaling.backlog_target
    scale_out_cooldown = var.scaling.scale_out_cooldown_seconds
    scale_in_cooldown  = var.scaling.scale_in_cooldown_seconds

    customized_metric_specification {
      metrics {
        id          = "backlog_per_task"
        label       = "messages waiting per task"
        expression  = "IF(FILL(tasks, 0) > 0, (${local.backlog}) / FILL(tasks, 0), ${local.backlog})"
        return_data = true
      }

      metrics {
        id          = "tasks"
        return_data = false

        metric_stat {
          stat = "Average"

          metric {
            namespace   = "ECS/ContainerInsights"
            metric_name = "RunningTaskCount"

            dimensions {
              name  = "ClusterName"
              value = var.platform.cluster_name
            }

            dimensions {
              name  = "ServiceName"
              value = aws_ecs_service.this.name
            }
          }
        }
      }

      dynamic "metrics" {
        for_each = merge(
          { for id, name in local.queues : id => { queue = name, metric = "ApproximateNumberOfMessagesVisible" } },
          { for id, name in local.in_flight : id => { queue = name, metric = "ApproximateNumberOfMessagesNotVisible" } },
        )

        content {
          id          = metrics.key
          return_data = false

          metric_stat {
            stat = "Maximum"

            metric {
              namespace   = "AWS/SQS"
              metric_name = metrics.value.metric

              dimensions {
                name  = "QueueName"
                value = metrics.value.queue
              }
            }
          }
        }
      }
    }
  }
}

# ---------------------------------------------------------------------------- from zero

resource "aws_appautoscaling_policy" "from_zero" {
  count = var.scaling.from_zero ? 1 : 0

  name               = "${var.name}-from-zero"
  policy_type        = "StepScaling"
  service_namespace  = local.target.service_namespace
  scalable_dimension = local.target.scalable_dimension
  resource_id        = local.target.resource_id

  step_scaling_policy_configuration {
    adjustment_type         = "ChangeInCapacity"
    metric_aggregation_type = "Maximum"
    cooldown                = var.scaling.scale_out_cooldown_seconds

    step_adjustment {
      metric_interval_lower_bound = 0
      scaling_adjustment          = 1
    }
  }
}

# Messages wait and no task is wanted yet. It rings at every cold start: it is a switch, not a reason to get up.
resource "aws_cloudwatch_metric_alarm" "from_zero" {
  count = var.scaling.from_zero ? 1 : 0

  alarm_name          = "${var.name}-from-zero"
  alarm_description   = "Starts the first task of ${var.name} when a message waits"
  comparison_operator = "GreaterThanOrEqualToThreshold"
  threshold           = 1
  evaluation_periods  = 1
  datapoints_to_alarm = 1
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_appautoscaling_policy.from_zero[0].arn]

  metric_query {
    id          = "start"
    label       = "messages wait and no task is wanted"
    expression  = "IF(FILL(tasks, 0) < 1 AND (${local.waiting}) > 0, 1, 0)"
    return_data = true
  }

  metric_query {
    id = "tasks"

    metric {
      namespace   = "ECS/ContainerInsights"
      metric_name = "DesiredTaskCount"
      period      = 60
      stat        = "Maximum"
      dimensions  = { ClusterName = var.platform.cluster_name, ServiceName = aws_ecs_service.this.name }
    }
  }

  dynamic "metric_query" {
    for_each = local.queues

    content {
      id = metric_query.key

      metric {
        namespace   = "AWS/SQS"
        metric_name = "ApproximateNumberOfMessagesVisible"
        period      = 60
        stat        = "Maximum"
        dimensions  = { QueueName = metric_query.value }
      }
    }
  }
}

# ---------------------------------------------------------------------------- by the clock

resource "aws_appautoscaling_scheduled_action" "this" {
  for_each = var.schedules

  name               = "${var.name}-${each.key}"
  service_namespace  = local.target.service_namespace
  scalable_dimension = local.target.scalable_dimension
  resource_id        = local.target.resource_id
  schedule           = each.value.cron
  timezone           = each.value.timezone

  scalable_target_action {
    min_capacity = each.value.min_tasks
    max_capacity = coalesce(each.value.max_tasks, var.max_tasks)
  }
}
