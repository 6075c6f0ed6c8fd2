locals {
  watched = var.idle_hours != null

  service_arns = [for service in sort(keys(var.services)) : "arn:aws:ecs:${var.region}:${var.account_id}:service/${var.cluster_name}/${service}"]
  group_arns   = [for group in sort(keys(var.host_groups)) : "arn:aws:autoscaling:${var.region}:${var.account_id}:autoScalingGroup:*:autoScalingGroupName/${group}"]
  database_arns = concat(
    [for cluster in var.database_clusters : "arn:aws:rds:${var.region}:${var.account_id}:cluster:${cluster}"],
    [for instance in var.database_instances : "arn:aws:rds:${var.region}:${var.account_id}:db:${instance}"],
  )

  # One call of an AWS API as a state; what is there already, or is on its way, is no failure.
  call = { Type = "Task", End = true, Retry = [local.again] }
  database_call = merge(local.call, {
    Retry = [{ ErrorEquals = local.there_already, MaxAttempts = 0 }, local.again]
  })
  again         = { ErrorEquals = ["States.ALL"], IntervalSeconds = 5, MaxAttempts = 4, BackoffRate = 2, JitterStrategy = "FULL" }
  there_already = ["Rds.InvalidDbClusterStateException", "Rds.InvalidDbInstanceStateException"]

  branches = { for direction in ["start", "stop"] : direction => concat(
    [for service, tasks in var.services : {
      StartAt = "Tasks of ${service}"
      States = {
        # A service that scales by itself follows its limits; zero as the upper one empties it.
        "Tasks of ${service}" = merge(local.call, jsondecode(tasks.max_tasks == null ? jsonencode({
          Resource = "arn:aws:states:::aws-sdk:ecs:updateService"
          Parameters = {
            Cluster      = var.cluster_name
            Service      = service
            DesiredCount = direction == "start" ? tasks.min_tasks : 0
          }
          }) : jsonencode({
          Resource = "arn:aws:states:::aws-sdk:applicationautoscaling:registerScalableTarget"
          Parameters = {
            ServiceNamespace  = "ecs"
            ScalableDimension = "ecs:service:DesiredCount"
            ResourceId        = "service/${var.cluster_name}/${service}"
            MinCapacity       = direction == "start" ? tasks.min_tasks : 0
            MaxCapacity       = direction == "start" ? tasks.max_tasks : 0
          }
        })))
      }
    }],
    [for group, hosts in var.host_groups : {
      StartAt = "Hosts of ${group}"
      States = {
        "Hosts of ${group}" = merge(local.call, {
          Resource = "arn:aws:states:::aws-sdk:autoscaling:updateAutoScalingGroup"
          Parameters = {
            AutoScalingGroupName = group
            MinSize              = direction == "start" ? hosts.min_hosts : 0
            MaxSize              = direction == "start" ? hosts.max_hosts : 0
            DesiredCapacity      = direction == "start" ? hosts.min_hosts : 0
          }
        })
      }
    }],
    [for cluster in var.database_clusters : {
      StartAt = "Cluster ${cluster}"
      States = {
        "Cluster ${cluster}" = merge(local.database_call, {
          Resource   = "arn:aws:states:::aws-sdk:rds:${direction}DBCluster"
          Parameters = { DbClusterIdentifier = cluster }
          Catch      = [{ ErrorEquals = local.there_already, Next = "Cluster ${cluster} is there already" }]
        })
        "Cluster ${cluster} is there already" = { Type = "Pass", End = true }
      }
    }],
    [for instance in var.database_instances : {
      StartAt = "Instance ${instance}"
      States = {
        "Instance ${instance}" = merge(local.database_call, {
          Resource   = "arn:aws:states:::aws-sdk:rds:${direction}DBInstance"
          Parameters = { DbInstanceIdentifier = instance }
          Catch      = [{ ErrorEquals = local.there_already, Next = "Instance ${instance} is there already" }]
        })
        "Instance ${instance} is there already" = { Type = "Pass", End = true }
      }
    }],
  ) }

  # After a start it runs for the whole time at least; then it is asked every quarter of an hour whether anybody came.
  watch = {
    "Give time" = { Type = "Wait", Seconds = coalesce(var.idle_hours, 1) * 3600, Next = "Look at requests" }
    "Look at requests" = {
      Type       = "Task"
      Resource   = "arn:aws:states:::aws-sdk:cloudwatch:describeAlarms"
      Parameters = { AlarmNames = ["${var.name}-idle"], AlarmTypes = ["MetricAlarm"] }
      Next       = "Did anybody come"
      Retry      = [local.again]
      # Whoever cannot ask now asks later: an environment that is never stopped costs money.
      Catch = [{ ErrorEquals = ["States.ALL"], Next = "Look again later" }]
    }
    "Did anybody come" = {
      Type = "Choice"
      Choices = [{
        Variable     = "$.MetricAlarms[0].StateValue"
        StringEquals = "ALARM"
        Next         = "Stop"
      }]
      Default = "Look again later"
    }
    "Look again later" = { Type = "Wait", Seconds = 900, Next = "Look at requests" }
    "Stop" = {
      Type     = "Parallel"
      Branches = local.branches.stop
      End      = true
    }
  }

  machines = {
    start = {
      Comment = "Starts ${var.name}${local.watched ? " and stops it after ${coalesce(var.idle_hours, 1)} hours without a request" : ""}"
      StartAt = "Start"
      States = merge(
        { "Start" = merge({ Type = "Parallel", Branches = local.branches.start }, jsondecode(local.watched ? jsonencode({ Next = "Give time" }) : jsonencode({ End = true }))) },
        { for state, definition in local.watch : state => definition if local.watched },
      )
    }
    stop = {
      Comment = "Stops ${var.name}"
      StartAt = "Stop"
      States  = { "Stop" = { Type = "Parallel", Branches = local.branches.stop, End = true } }
    }
  }

  expressions = { for direction, expression in { start = var.start_expression, stop = var.stop_expression } : direction => expression if expression != null }
}

resource "aws_cloudwatch_log_group" "this" {
  name              = "/aws/vendedlogs/states/${var.name}"
  retention_in_days = 365
  kms_key_id        = var.log_key_arn
}

# One execution starts or stops everything: by the clock, or by hand with aws stepfunctions start-execution.
resource "aws_sfn_state_machine" "this" {
  for_each = local.machines

  name       = "${var.name}-${each.key}"
  role_arn   = aws_iam_role.machine.arn
  definition = jsonencode(each.value)

  logging_configuration {
    level                  = "ALL"
    include_execution_data = true
    log_destination        = "${aws_cloudwatch_log_group.this.arn}:*"
  }

  tracing_configuration {
    enabled = true
  }

  depends_on = [aws_iam_role_policy.machine]
}

# Nobody is told: it is what the running start looks at. Silence counts as no requests, for there are none at night.
resource "aws_cloudwatch_metric_alarm" "idle" {
  count = local.watched ? 1 : 0

  alarm_name          = "${var.name}-idle"
  alarm_description   = "No request for ${var.idle_hours} hours"
  namespace           = "AWS/ApplicationELB"
  metric_name         = "RequestCount"
  statistic           = "Sum"
  dimensions          = { LoadBalancer = var.load_balancer_suffix }
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  period              = 3600
  evaluation_periods  = var.idle_hours
  datapoints_to_alarm = var.idle_hours
  treat_missing_data  = "breaching"
}

resource "aws_iam_role" "machine" {
  name        = "${var.name}-machine"
  description = "Starts and stops the services and databases of ${var.name}"

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "states.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = { StringEquals = { "aws:SourceAccount" = var.account_id } }
    }]
  })
}

resource "aws_iam_role_policy" "machine" {
  name = "start-and-stop"
  role = aws_iam_role.machine.name

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [for arns in [local.service_arns] : {
        Sid      = "Tasks"
        Effect   = "Allow"
        Action   = ["ecs:DescribeServices", "ecs:UpdateService"]
        Resource = arns
      } if length(arns) > 0],
      [for arns in [local.service_arns] : {
        Sid       = "Limits"
        Effect    = "Allow"
        Action    = "application-autoscaling:RegisterScalableTarget"
        Resource  = "arn:aws:application-autoscaling:${var.region}:${var.account_id}:scalable-target/*"
        Condition = { StringEquals = { "application-autoscaling:service-namespace" = "ecs" } }
      } if length(arns) > 0],
      [for arns in [local.group_arns] : {
        Sid      = "Hosts"
        Effect   = "Allow"
        Action   = "autoscaling:UpdateAutoScalingGroup"
        Resource = arns
      } if length(arns) > 0],
      [
        {
          # CloudWatch Logs knows no resources for deliveries.
          Sid    = "Log"
          Effect = "Allow"
          Action = [
            "logs:CreateLogDelivery",
            "logs:DeleteLogDelivery",
            "logs:DescribeLogGroups",
            "logs:DescribeResourcePolicies",
            "logs:GetLogDelivery",
            "logs:ListLogDeliveries",
            "logs:PutResourcePolicy",
            "logs:UpdateLogDelivery",
            "xray:GetSamplingRules",
            "xray:GetSamplingTargets",
            "xray:PutTelemetryRecords",
            "xray:PutTraceSegments",
          ]
          Resource = "*"
        },
      ],
      [for arns in [local.database_arns] : {
        Sid      = "Databases"
        Effect   = "Allow"
        Action   = ["rds:StartDBCluster", "rds:StartDBInstance", "rds:StopDBCluster", "rds:StopDBInstance"]
        Resource = arns
      } if length(arns) > 0],
      [for alarm in ["${var.name}-idle"] : {
        Sid      = "Requests"
        Effect   = "Allow"
        Action   = "cloudwatch:DescribeAlarms"
        Resource = "arn:aws:cloudwatch:${var.region}:${var.account_id}:alarm:${alarm}"
      } if local.watched],
    )
  })
}

resource "aws_scheduler_schedule" "this" {
  for_each = local.expressions

  name                         = "${var.name}-${each.key}"
  description                  = local.machines[each.key].Comment
  schedule_expression          = each.value
  schedule_expression_timezone = var.timezone

  flexible_time_window {
    mode = "OFF"
  }

  # The role reads the schedule with it.
  kms_key_arn = var.log_key_arn

  target {
    arn      = aws_sfn_state_machine.this[each.key].arn
    role_arn = aws_iam_role.clock[0].arn
  }
}

resource "aws_iam_role" "clock" {
  count = length(local.expressions) == 0 ? 0 : 1

  name        = "${var.name}-clock"
  description = "Lets the schedules start the state machines of ${var.name}"

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "scheduler.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = { StringEquals = { "aws:SourceAccount" = var.account_id } }
    }]
  })
}

resource "aws_iam_role_policy" "clock" {
  count = length(local.expressions) == 0 ? 0 : 1

  name = "start-executions"
  role = aws_iam_role.clock[0].name

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid      = "StartExecutions"
        Effect   = "Allow"
        Action   = "states:StartExecution"
        Resource = [for machine in values(aws_sfn_state_machine.this) : machine.arn]
      },
      { Sid = "ReadSchedule", Effect = "Allow", Action = "kms:Decrypt", Resource = var.log_key_arn },
    ]
  })
}
