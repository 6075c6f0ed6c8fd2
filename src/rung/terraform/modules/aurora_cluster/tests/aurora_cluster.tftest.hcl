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
    condition     = aws_rds_cluster.this.storage_encrypted && aws_rds_cluster.this.kms_key_id == var.key_arn
    error_message = "storage is under the given key"
  }

  assert {
    condition     = aws_rds_cluster.this.manage_master_user_password && aws_rds_cluster.this.master_user_secret_kms_key_id == var.key_arn
    error_message = "RDS makes and changes the master password; nobody writes it down"
  }

  assert {
    condition     = aws_rds_cluster.this.deletion_protection && !aws_rds_cluster.this.skip_final_snapshot && aws_rds_cluster.this.final_snapshot_identifier == "shop-prod-db-final" && !aws_rds_cluster.this.delete_automated_backups
    error_message = "a deletion is refused, and leaves a snapshot and the backups if it happens"
  }

  assert {
    condition     = aws_rds_cluster.this.backup_retention_period == 7 && aws_rds_cluster.this.copy_tags_to_snapshot
    error_message = "a week of backups"
  }

  assert {
    condition     = aws_rds_cluster.this.iam_database_authentication_enabled && contains(aws_rds_cluster.this.enabled_cloudwatch_logs_exports, "postgresql")
    error_message = "roles can sign in, and the log is exported"
  }

  assert {
    condition     = aws_rds_cluster.this.engine_version == "17"
    error_message = "the major version alone: minors disappear"
  }

  assert {
    condition     = { for parameter in aws_rds_cluster_parameter_group.this.parameter : parameter.name => parameter.value }["rds.force_ssl"] == "1"
    error_message = "no connection without TLS"
  }

  assert {
    condition     = { for parameter in aws_rds_cluster_parameter_group.this.parameter : parameter.name => parameter.value }["log_statement"] == "ddl"
    error_message = "an exported log without log_statement is empty"
  }

  assert {
    condition = alltrue([
      for instance in aws_rds_cluster_instance.this :
      instance.auto_minor_version_upgrade && !instance.publicly_accessible && instance.performance_insights_enabled && instance.monitoring_interval == 60
    ])
    error_message = "instances upgrade by themselves, are private and are watched"
  }

  assert {
    condition     = aws_cloudwatch_log_group.this.kms_key_id == var.log_key_arn && aws_cloudwatch_log_group.this.retention_in_days == 365
    error_message = "the log is kept for a year under the key of the logs"
  }

  assert {
    condition     = length(aws_rds_cluster_instance.this) == 1 && aws_rds_cluster.this.serverlessv2_scaling_configuration[0].min_capacity == 0.5
    error_message = "one writer that does not pause"
  }
}

run "a_cluster_pauses_only_where_asked" {
  command = plan

  variables {
    min_acu = 0
  }

  assert {
    condition     = aws_rds_cluster.this.serverlessv2_scaling_configuration[0].seconds_until_auto_pause == 3600
    error_message = "an hour without a connection, unless told otherwise"
  }
}

run "readers_and_extensions_are_given" {
  command = plan

  variables {
    readers    = 2
    extensions = ["vector", "pgaudit", "pg_cron"]
    protected  = false
  }

  assert {
    condition     = aws_rds_cluster_instance.this[*].promotion_tier == [0, 1, 1]
    error_message = "a reader that takes over is as large as the writer"
  }

  assert {
    condition     = { for parameter in aws_rds_cluster_parameter_group.this.parameter : parameter.name => parameter.value }["shared_preload_libraries"] == "pg_stat_statements,pg_cron,pgaudit"
    error_message = "extensions that must be loaded at start are, others are not"
  }

  assert {
    condition     = !aws_rds_cluster.this.deletion_protection && aws_rds_cluster.this.skip_final_snapshot && aws_rds_cluster.this.final_snapshot_identifier == null
    error_message = "an environment that lives a day goes without a trace"
  }
}

run "wrong_values_are_refused" {
  command = plan

  variables {
    name           = "Shop--db"
    subnet_ids     = ["subnet-0a1b2c3d4e5f60718"]
    engine_version = "17.4"
    database       = "Shop"
    min_acu        = 0.3
    readers        = 16
    backup_days    = 0
    extensions     = ["create extension"]
    log_days       = 7
  }

  expect_failures = [
    var.name, var.subnet_ids, var.engine_version, var.database, var.min_acu, var.readers,
    var.backup_days, var.extensions, var.log_days,
  ]
}

run "wrong_limits_are_refused" {
  command = plan

  variables {
    min_acu       = 0
    max_acu       = 300
    pause_seconds = 60
  }

  expect_failures = [var.max_acu, var.pause_seconds]
}

run "contradictions_are_refused" {
  command = plan

  variables {
    min_acu       = 8
    max_acu       = 4
    pause_seconds = 600
  }

  expect_failures = [var.max_acu, var.pause_seconds]
}
