mock_provider "aws" {
  source          = "../testing"
  override_during = plan
}

variables {
  name = "shop-prod-expire-carts"
  platform = {
    cluster_arn = "arn:aws:ecs:eu-central-1:123456789012:cluster/shop-prod"
    subnet_ids  = ["subnet-1"]
    key_arn     = "arn:aws:kms:eu-central-1:123456789012:key/00000000-0000-0000-0000-000000000000"
  }
  job = {
    task_definition_arn = "arn:aws:ecs:eu-central-1:123456789012:task-definition/shop-prod-expire-carts:7"
    task_role_arn       = "arn:aws:iam::123456789012:role/shop-prod-expire-carts-task"
    execution_role_arn  = "arn:aws:iam::123456789012:role/shop-prod-expire-carts-execution"
    security_group_id   = "sg-1"
  }
  expression = "rate(1 minute)"
}

run "may_start_this_task_and_no_other" {
  command = plan

  assert {
    condition     = jsondecode(aws_iam_role_policy.this.policy).Statement[0].Resource == ["arn:aws:ecs:eu-central-1:123456789012:task-definition/shop-prod-expire-carts:*"] && jsondecode(aws_iam_role_policy.this.policy).Statement[0].Condition.ArnEquals["ecs:cluster"] == var.platform.cluster_arn
    error_message = "every revision of one family, in one cluster"
  }

  assert {
    condition     = toset(one([for s in jsondecode(aws_iam_role_policy.this.policy).Statement : s.Resource if contains(s.Action, "iam:PassRole")])) == toset([var.job.task_role_arn, var.job.execution_role_arn])
    error_message = "it hands over the task's two roles and no others"
  }

  assert {
    condition     = jsondecode(aws_iam_role.this.assume_role_policy).Statement[0].Condition.StringEquals["aws:SourceArn"] == "arn:aws:scheduler:eu-central-1:123456789012:schedule-group/shop-prod-expire-carts"
    error_message = "only its own group may take the role"
  }

  assert {
    condition     = aws_scheduler_schedule.this.target[0].dead_letter_config[0].arn == aws_sqs_queue.dead.arn && aws_scheduler_schedule.this.target[0].retry_policy[0].maximum_event_age_in_seconds == 300
    error_message = "what cannot be started is tried again for a while, then kept"
  }

  assert {
    condition     = aws_sqs_queue.dead.kms_master_key_id == var.platform.key_arn && aws_scheduler_schedule.this.kms_key_arn == var.platform.key_arn && !aws_scheduler_schedule.this.target[0].ecs_parameters[0].network_configuration[0].assign_public_ip
    error_message = "encrypted, and without a public address"
  }

  assert {
    condition     = strcontains(aws_scheduler_schedule.this.target[0].input, "\"<aws.scheduler.scheduled-time>\"") && jsondecode(aws_scheduler_schedule.this.target[0].input).containerOverrides[0].name == "app"
    error_message = "the task is told the moment of its run, by the keyword that the scheduler replaces"
  }
}

run "asleep_in_another_time_zone" {
  command = plan

  variables {
    expression = "cron(30 3 ? * MON-FRI *)"
    timezone   = "America/Argentina/Buenos_Aires"
    enabled    = false
  }

  assert {
    condition     = aws_scheduler_schedule.this.state == "DISABLED" && aws_scheduler_schedule.this.schedule_expression_timezone == "America/Argentina/Buenos_Aires"
    error_message = "it can be off, and follows local time"
  }
}

run "wrong_values_are_refused" {
  command = plan

  variables {
    name = "expire carts"
    platform = {
      cluster_arn = "arn:aws:ecs:eu-central-1:123456789012:cluster/shop-prod"
      subnet_ids  = []
      key_arn     = "arn:aws:kms:eu-central-1:123456789012:key/00000000-0000-0000-0000-000000000000"
    }
    expression          = "* * * * *"
    timezone            = "UTC+1:00"
    max_attempts        = 186
    maximum_age_seconds = 30
  }

  expect_failures = [
    var.name, var.platform, var.expression, var.timezone, var.max_attempts, var.maximum_age_seconds,
  ]
}
