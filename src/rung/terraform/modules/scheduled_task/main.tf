# EventBridge Scheduler starts one task at a time of day or every so often. What could not be started is kept.

locals {
  # arn:aws:ecs:region:account:task-definition/family:revision
  family_arn = replace(var.job.task_definition_arn, "/:[0-9]+$/", "")
  partition  = split(":", var.platform.cluster_arn)[1]
  region     = split(":", var.platform.cluster_arn)[3]
  account    = split(":", var.platform.cluster_arn)[4]

  # What the scheduler tells the task: the moment for which it starts it. The scheduler looks for its keyword in the
  # text as it is, so the brackets must not be escaped, as jsonencode escapes them.
  moment = replace(replace(jsonencode({
    containerOverrides = [{
      name        = var.container_name
      environment = [{ name = "RUNG_TICK_AT", value = "<aws.scheduler.scheduled-time>" }]
    }]
  }), "\\u003c", "<"), "\\u003e", ">")
}

# A group of its own: the scheduler measures groups, not schedules, and the role is for this group alone.
resource "aws_scheduler_schedule_group" "this" {
  name = var.name
}

resource "aws_scheduler_schedule" "this" {
  name                         = var.name
  group_name                   = aws_scheduler_schedule_group.this.name
  schedule_expression          = var.expression
  schedule_expression_timezone = var.timezone
  state                        = var.enabled ? "ENABLED" : "DISABLED"
  kms_key_arn                  = var.platform.key_arn

  flexible_time_window {
    mode = "OFF"
  }

  target {
    arn      = var.platform.cluster_arn
    role_arn = aws_iam_role.this.arn
    input    = local.moment

    ecs_parameters {
      task_definition_arn     = var.job.task_definition_arn
      task_count              = 1
      launch_type             = "FARGATE"
      platform_version        = "LATEST"
      enable_ecs_managed_tags = true
      propagate_tags          = "TASK_DEFINITION"

      network_configuration {
        subnets          = var.platform.subnet_ids
        security_groups  = [var.job.security_group_id]
        assign_public_ip = var.platform.assign_public_ip
      }
    }

    retry_policy {
      maximum_retry_attempts       = var.max_attempts
      maximum_event_age_in_seconds = var.maximum_age_seconds
    }

    dead_letter_config {
      arn = aws_sqs_queue.dead.arn
    }
  }

  depends_on = [aws_iam_role_policy.this]
}

resource "aws_sqs_queue" "dead" {
  name                              = "${var.name}-not-started"
  message_retention_seconds         = 14 * 24 * 3600
  kms_master_key_id                 = var.platform.key_arn
  kms_data_key_reuse_period_seconds = 300
}

resource "aws_sqs_queue_policy" "dead" {
  queue_url = aws_sqs_queue.dead.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "TlsOnly"
      Effect    = "Deny"
      Principal = "*"
      Action    = "sqs:*"
      Resource  = aws_sqs_queue.dead.arn
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }]
  })
}

resource "aws_iam_role" "this" {
  name                 = "${var.name}-scheduler"
  description          = "Starts ${var.name} by the clock"
  permissions_boundary = var.permissions_boundary_arn

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "Scheduler"
      Effect    = "Allow"
      Principal = { Service = "scheduler.amazonaws.com" }
      Action    = "sts:AssumeRole"
      Condition = {
        StringEquals = {
          "aws:SourceAccount" = local.account
          "aws:SourceArn"     = "arn:${local.partition}:scheduler:${local.region}:${local.account}:schedule-group/${var.name}"
        }
      }
    }]
  })
}

resource "aws_iam_role_policy" "this" {
  name = "start-task"
  role = aws_iam_role.this.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "StartTask"
        Effect    = "Allow"
        Action    = ["ecs:RunTask"]
        Resource  = ["${local.family_arn}:*"]
        Condition = { ArnEquals = { "ecs:cluster" = var.platform.cluster_arn } }
      },
      {
        # The task carries the tags of its definition.
        Sid       = "TagTask"
        Effect    = "Allow"
        Action    = ["ecs:TagResource"]
        Resource  = ["${replace(var.platform.cluster_arn, ":cluster/", ":task/")}/*"]
        Condition = { StringEquals = { "ecs:CreateAction" = "RunTask" } }
      },
      {
        Sid       = "HandRolesToTask"
        Effect    = "Allow"
        Action    = ["iam:PassRole"]
        Resource  = distinct([var.job.task_role_arn, var.job.execution_role_arn])
        Condition = { StringEquals = { "iam:PassedToService" = "ecs-tasks.amazonaws.com" } }
      },
      {
        Sid      = "KeepWhatFailed"
        Effect   = "Allow"
        Action   = ["sqs:SendMessage"]
        Resource = [aws_sqs_queue.dead.arn]
      },
      {
        # Decrypt reads the schedule itself and, with GenerateDataKey, sends to the encrypted queue.
        Sid      = "UseKey"
        Effect   = "Allow"
        Action   = ["kms:Decrypt", "kms:GenerateDataKey"]
        Resource = [var.platform.key_arn]
      },
    ]
  })
}
