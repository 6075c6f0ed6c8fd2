# Terraform cannot mock ephemeral values, so this is the real provider, which a plan without a generated value never
# lets call AWS. That a generated value is written and nowhere kept is tested against an emulator.
provider "aws" {
  region                      = "eu-central-1"
  access_key                  = "testing"
  secret_key                  = "testing"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_requesting_account_id  = true
}

variables {
  name    = "shop-prod-stripe-api-key"
  key_arn = "arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555"
}

run "a_person_sets_the_value" {
  command = plan

  assert {
    condition     = aws_secretsmanager_secret.this.kms_key_id == var.key_arn && aws_secretsmanager_secret.this.recovery_window_in_days == 30
    error_message = "under the given key, and back within a month when deleted"
  }

  assert {
    condition     = length(aws_secretsmanager_secret_version.this) == 0 && length(aws_secretsmanager_secret_rotation.this) == 0 && length(aws_scheduler_schedule.reminder) == 0
    error_message = "Terraform makes the secret and never its value"
  }
}

run "a_person_is_reminded" {
  command = plan

  variables {
    rotation      = "person"
    rotate_days   = 1
    topic_arn     = "arn:aws:sns:eu-central-1:123456789012:shop-prod-alarms-ticket"
    topic_key_arn = "arn:aws:kms:eu-central-1:123456789012:key/66666666-7777-8888-9999-000000000000"
  }

  assert {
    condition     = aws_scheduler_schedule.reminder[0].schedule_expression == "rate(1 day)"
    error_message = "EventBridge wants the singular"
  }

  assert {
    condition = {
      for statement in jsondecode(aws_iam_role_policy.reminder[0].policy).Statement : statement.Sid => statement.Resource
    } == { Remind = var.topic_arn, ReadSchedule = var.key_arn, EncryptReminder = var.topic_key_arn }
    error_message = "the schedule may tell this topic and nothing else"
  }

  assert {
    condition     = jsondecode(aws_iam_role.reminder[0].assume_role_policy).Statement[0].Condition.StringEquals["aws:SourceAccount"] == "123456789012"
    error_message = "schedules of other accounts cannot take the role"
  }
}

run "a_function_rotates" {
  command = plan

  variables {
    rotation            = "function"
    rotate_days         = 30
    rotation_lambda_arn = "arn:aws:lambda:eu-central-1:123456789012:function:rotate"
  }

  assert {
    condition     = one(aws_secretsmanager_secret_rotation.this[0].rotation_rules).automatically_after_days == 30
    error_message = "every 30 days"
  }
}

run "wrong_values_are_refused" {
  command = plan

  variables {
    name               = "stripe key"
    generated_username = "Robert'); DROP TABLE"
    generation         = 0
    length             = 8
    rotation           = "cron"
    recovery_days      = 3
  }

  expect_failures = [
    var.name, var.generated_username, var.generation, var.length, var.rotation, var.recovery_days,
  ]
}

run "contradictions_are_refused" {
  command = plan

  variables {
    name                = "shop-prod-stripe-secret"
    generated_username  = "shop_app"
    rotate_days         = 30
    rotation_lambda_arn = "arn:aws:lambda:eu-central-1:123456789012:function:rotate"
    topic_arn           = "arn:aws:sns:eu-central-1:123456789012:shop-prod-alarms-ticket"
  }

  expect_failures = [var.name, var.generated_username, var.rotate_days, var.rotation_lambda_arn, var.topic_arn]
}

run "a_rotation_without_its_parts_is_refused" {
  command = plan

  variables {
    rotation    = "function"
    rotate_days = 0
  }

  expect_failures = [var.rotate_days, var.rotation_lambda_arn]
}
