mock_provider "aws" {
  source          = "../testing"
  override_during = plan
}

variables {
  name       = "shop-prod-keys"
  account_id = "123456789012"
  region     = "eu-central-1"
}

run "keys_rotate_and_serve_this_account_alone" {
  command = plan

  assert {
    condition     = aws_kms_key.data.enable_key_rotation && aws_kms_key.log.enable_key_rotation
    error_message = "both keys rotate every year"
  }

  assert {
    condition     = aws_kms_key.data.deletion_window_in_days == 30 && aws_kms_key.log.deletion_window_in_days == 30
    error_message = "a deletion can be called back for a month"
  }

  assert {
    condition = alltrue([
      for statement in concat(jsondecode(aws_kms_key.data.policy).Statement, jsondecode(aws_kms_key.log.policy).Statement) :
      can(statement.Principal.AWS) || can(statement.Condition.StringEquals["aws:SourceAccount"]) || can(statement.Condition.ArnLike)
    ])
    error_message = "a service uses a key on behalf of this account alone"
  }

  assert {
    condition     = !strcontains(aws_kms_key.data.policy, "logs.") && !strcontains(aws_kms_key.log.policy, "sns.amazonaws.com")
    error_message = "logs are not under the key of the data, nor messages under that of the logs"
  }

  assert {
    condition     = !strcontains(aws_kms_key.data.policy, "AWSServiceRoleForAutoScaling")
    error_message = "a role that an account may not have makes KMS refuse the whole policy"
  }
}

run "auto_scaling_is_let_in_when_asked_for" {
  command = plan

  variables {
    autoscaling = true
  }

  assert {
    condition = length([
      for statement in jsondecode(aws_kms_key.data.policy).Statement : statement
      if try(endswith(statement.Principal.AWS, "/AWSServiceRoleForAutoScaling"), false)
    ]) == 2
    error_message = "instances whose volumes carry the key do not start without use and grant"
  }
}

run "wrong_values_are_refused" {
  command = plan

  variables {
    name          = "Shop"
    account_id    = "1234"
    region        = "Frankfurt"
    deletion_days = 3
  }

  expect_failures = [var.name, var.account_id, var.region, var.deletion_days]
}
