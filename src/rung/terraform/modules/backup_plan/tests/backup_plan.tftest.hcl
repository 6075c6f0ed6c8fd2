mock_provider "aws" {
  source          = "../testing"
  override_during = plan
}

variables {
  name          = "shop-prod-backup"
  resource_arns = ["arn:aws:rds:eu-central-1:123456789012:cluster:shop-prod-db"]
  key_arn       = "arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555"
  topic_arn     = "arn:aws:sns:eu-central-1:123456789012:shop-prod-alarms-page"
  restore_types = { Aurora = { dbSubnetGroupName = "shop-prod-db" } }
}

run "backups_are_kept_locked_and_restored" {
  command = plan

  assert {
    condition     = aws_backup_vault.this.kms_key_arn == var.key_arn && aws_backup_vault_lock_configuration.this[0].min_retention_days == 7
    error_message = "the vault is under the given key and locked for a week"
  }

  assert {
    condition     = one(one(aws_backup_plan.this.rule).lifecycle).delete_after == 35 && aws_backup_selection.this.resources == toset(var.resource_arns)
    error_message = "every resource, for five weeks"
  }

  assert {
    condition     = one(aws_backup_restore_testing_plan.this[0].recovery_point_selection).algorithm == "LATEST_WITHIN_WINDOW" && keys(aws_backup_restore_testing_selection.this) == ["Aurora"]
    error_message = "the newest backup is restored every week"
  }

  assert {
    condition     = aws_backup_restore_testing_plan.this[0].name == "shop_prod_backup"
    error_message = "AWS takes no hyphens in the name of a restore test"
  }

  assert {
    condition     = jsondecode(aws_cloudwatch_event_rule.failed.event_pattern).detail["$or"] == [{ state = ["ABORTED", "EXPIRED", "FAILED"] }, { status = ["ABORTED", "EXPIRED", "FAILED"] }]
    error_message = "backups say it in state, restores in status"
  }

  assert {
    condition     = aws_cloudwatch_event_target.failed.arn == var.topic_arn
    error_message = "a failure is told"
  }
}

run "a_plan_without_lock_and_test" {
  command = plan

  variables {
    locked_days   = null
    restore_test  = false
    restore_types = {}
  }

  assert {
    condition     = length(aws_backup_vault_lock_configuration.this) == 0 && length(aws_backup_restore_testing_plan.this) == 0 && length(aws_backup_restore_testing_selection.this) == 0
    error_message = "neither unless asked for"
  }
}

run "wrong_values_are_refused" {
  command = plan

  variables {
    name          = "shop prod"
    resource_arns = []
    keep_days     = 1
    schedule      = "daily"
    restore_types = { Redis = {} }
  }

  expect_failures = [var.name, var.resource_arns, var.keep_days, var.schedule, var.restore_types]
}

run "contradictions_are_refused" {
  command = plan

  variables {
    keep_days     = 10
    locked_days   = 20
    restore_types = {}
  }

  expect_failures = [var.locked_days, var.restore_test]
}
