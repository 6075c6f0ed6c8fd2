locals {
  failures = ["ABORTED", "EXPIRED", "FAILED"]
}

resource "aws_backup_vault" "this" {
  name        = var.name
  kms_key_arn = var.key_arn
}

# Governance mode: an administrator can lift it, a program that deletes cannot.
resource "aws_backup_vault_lock_configuration" "this" {
  count = var.locked_days == null ? 0 : 1

  backup_vault_name  = aws_backup_vault.this.name
  min_retention_days = var.locked_days
}

resource "aws_backup_plan" "this" {
  name = var.name

  rule {
    rule_name         = "daily"
    target_vault_name = aws_backup_vault.this.name
    schedule          = var.schedule
    start_window      = 60
    completion_window = 480

    lifecycle {
      delete_after = var.keep_days
    }
  }
}

resource "aws_iam_role" "backup" {
  name        = "${var.name}-backup"
  description = "AWS Backup makes and restores the backups of ${var.name} with it"

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "backup.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

# AWS keeps these lists of actions up to date for every service that it can back up.
resource "aws_iam_role_policy_attachment" "backup" {
  for_each = {
    backups     = "service-role/AWSBackupServiceRolePolicyForBackup"
    restores    = "service-role/AWSBackupServiceRolePolicyForRestores"
    s3_backups  = "AWSBackupServiceRolePolicyForS3Backup"
    s3_restores = "AWSBackupServiceRolePolicyForS3Restore"
  }

  role       = aws_iam_role.backup.name
  policy_arn = "arn:aws:iam::aws:policy/${each.value}"
}

resource "aws_backup_selection" "this" {
  name         = var.name
  plan_id      = aws_backup_plan.this.id
  iam_role_arn = aws_iam_role.backup.arn
  resources    = var.resource_arns

  depends_on = [aws_iam_role_policy_attachment.backup]
}

# A backup that was never restored is a hope.
resource "aws_backup_restore_testing_plan" "this" {
  count = var.restore_test ? 1 : 0

  name                = replace(var.name, "-", "_")
  schedule_expression = "cron(0 6 ? * SUN *)"
  start_window_hours  = 8

  recovery_point_selection {
    algorithm             = "LATEST_WITHIN_WINDOW"
    include_vaults        = [aws_backup_vault.this.arn]
    recovery_point_types  = ["SNAPSHOT"]
    selection_window_days = 7
  }
}

resource "aws_backup_restore_testing_selection" "this" {
  for_each = var.restore_test ? var.restore_types : {}

  name                       = each.key
  restore_testing_plan_name  = aws_backup_restore_testing_plan.this[0].name
  protected_resource_type    = each.key
  protected_resource_arns    = ["*"]
  iam_role_arn               = aws_iam_role.backup.arn
  restore_metadata_overrides = each.value
  validation_window_hours    = 1
}

resource "aws_cloudwatch_event_rule" "failed" {
  name        = "${var.name}-failed"
  description = "Backups and restore tests that did not end well"

  event_pattern = jsonencode({
    source      = ["aws.backup"]
    detail-type = ["Backup Job State Change", "Restore Job State Change"]
    # Backup jobs say it in state, restore jobs in status.
    detail = { "$or" = [{ state = local.failures }, { status = local.failures }] }
  })
}

resource "aws_cloudwatch_event_target" "failed" {
  rule = aws_cloudwatch_event_rule.failed.name
  arn  = var.topic_arn

  input_transformer {
    input_paths = {
      kind     = "$.detail-type"
      message  = "$.detail.statusMessage"
      resource = "$.resources[0]"
      time     = "$.time"
    }
    input_template = "\"<kind> at <time>: a job of ${var.name} failed. <resource> <message>\""
  }
}
