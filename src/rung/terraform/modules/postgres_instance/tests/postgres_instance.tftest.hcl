mock_provider "aws" {
  source          = "../testing"
  override_during = plan
}

variables {
  name        = "shop-prod-db"
  vpc_id      = "vpc-0a1b2c3d4e5f60718"
  subnet_ids  = ["subnet-0a1b2c3d4e5f60718", "subnet-0a1b2c3d4e5f60719"]
  key_arn     = "arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555"
  log_key_arn = "arn:aws:kms:eu-central-1:123456789012:key/66666666-7777-8888-9999-000000000000"
}

run "a_database_is_safe_by_default" {
  command = plan

  assert {
    condition     = aws_db_instance.this.storage_encrypted && aws_db_instance.this.kms_key_id == var.key_arn
    error_message = "storage is under the given key"
  }

  assert {
    condition     = aws_db_instance.this.manage_master_user_password && aws_db_instance.this.master_user_secret_kms_key_id == var.key_arn
    error_message = "RDS makes and changes the master password; nobody writes it down"
  }

  assert {
    condition     = aws_db_instance.this.deletion_protection && !aws_db_instance.this.skip_final_snapshot && aws_db_instance.this.final_snapshot_identifier == "shop-prod-db-final" && !aws_db_instance.this.delete_automated_backups
    error_message = "a deletion is refused, and leaves a snapshot and the backups if it happens"
  }

  assert {
    condition     = aws_db_instance.this.backup_retention_period == 7 && aws_db_instance.this.copy_tags_to_snapshot
    error_message = "a week of backups"
  }

  assert {
    condition     = aws_db_instance.this.iam_database_authentication_enabled && contains(aws_db_instance.this.enabled_cloudwatch_logs_exports, "postgresql")
    error_message = "roles can sign in, and the log is exported"
  }

  assert {
    condition     = aws_db_instance.this.engine_version == "17"
    error_message = "the major version alone: minors disappear"
  }

  assert {
    condition     = { for parameter in aws_db_parameter_group.this.parameter : parameter.name => parameter.value }["rds.force_ssl"] == "1"
    error_message = "no connection without TLS"
  }

  assert {
    condition     = { for parameter in aws_db_parameter_group.this.parameter : parameter.name => parameter.value }["log_statement"] == "ddl"
    error_message = "an exported log without log_statement is empty"
  }

  assert {
    condition     = aws_db_instance.this.auto_minor_version_upgrade && !aws_db_instance.this.publicly_accessible && aws_db_instance.this.performance_insights_enabled && aws_db_instance.this.monitoring_interval == 60
    error_message = "the instance upgrades by itself, is private and is watched"
  }

  assert {
    condition     = alltrue([for group in aws_cloudwatch_log_group.this : group.kms_key_id == var.log_key_arn && group.retention_in_days == 365])
    error_message = "logs are kept for a year under their key"
  }

  assert {
    condition     = aws_db_instance.this.max_allocated_storage == 100 && aws_db_instance.this.storage_type == "gp3"
    error_message = "storage grows before it is full"
  }
}

run "a_small_one_goes_without_a_trace" {
  command = plan

  variables {
    protected       = false
    storage_gib     = 20
    max_storage_gib = 20
    multi_zone      = true
    extensions      = ["vector", "pg_cron"]
  }

  assert {
    condition     = !aws_db_instance.this.deletion_protection && aws_db_instance.this.skip_final_snapshot && aws_db_instance.this.final_snapshot_identifier == null
    error_message = "an environment that lives a day goes without a trace"
  }

  assert {
    condition     = aws_db_instance.this.max_allocated_storage == null && aws_db_instance.this.multi_az
    error_message = "equal numbers mean no growth"
  }

  assert {
    condition     = { for parameter in aws_db_parameter_group.this.parameter : parameter.name => parameter.value }["shared_preload_libraries"] == "pg_stat_statements,pg_cron"
    error_message = "extensions that must be loaded at start are, others are not"
  }
}

run "wrong_values_are_refused" {
  command = plan

  variables {
    name           = "Shop--db"
    subnet_ids     = ["subnet-0a1b2c3d4e5f60718"]
    engine_version = "17.4"
    database       = "Shop"
    instance_class = "t4g.micro"
    storage_gib    = 10
    backup_days    = 0
    extensions     = ["create extension"]
    log_days       = 7
  }

  expect_failures = [
    var.name, var.subnet_ids, var.engine_version, var.database, var.instance_class, var.storage_gib,
    var.backup_days, var.extensions, var.log_days,
  ]
}

run "growth_that_is_too_small_is_refused" {
  command = plan

  variables {
    storage_gib     = 100
    max_storage_gib = 105
  }

  expect_failures = [var.max_storage_gib]
}
