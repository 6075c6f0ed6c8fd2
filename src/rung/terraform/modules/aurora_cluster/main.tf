locals {
  # Extensions that work only when the server loads them at start.
  loadable = ["auto_explain", "orafce", "pg_cron", "pg_hint_plan", "pg_prewarm", "pgaudit", "pglogical"]
  loaded   = join(",", concat(["pg_stat_statements"], [for name in sort(var.extensions) : name if contains(local.loadable, name)]))

  parameters = {
    log_lock_waits             = { value = "1", apply_method = "immediate" }
    log_min_duration_statement = { value = "1000", apply_method = "immediate" }
    log_statement              = { value = "ddl", apply_method = "immediate" }
    "rds.force_ssl"            = { value = "1", apply_method = "immediate" }
    shared_preload_libraries   = { value = local.loaded, apply_method = "pending-reboot" }
  }
}

# The rules that let services in stand in the module connections: one per edge of the workload.
resource "aws_security_group" "this" {
  name        = "${var.name}-database"
  description = "Aurora cluster ${var.name}"
  vpc_id      = var.vpc_id
}

resource "aws_db_subnet_group" "this" {
  name        = var.name
  description = "Isolated subnets of ${var.name}"
  subnet_ids  = var.subnet_ids
}

resource "aws_rds_cluster_parameter_group" "this" {
  name        = "${var.name}-${var.engine_version}"
  description = "TLS only; data definition, slow statements and long waits for locks are logged"
  family      = "aurora-postgresql${var.engine_version}"

  dynamic "parameter" {
    for_each = local.parameters

    content {
      name         = parameter.key
      value        = parameter.value.value
      apply_method = parameter.value.apply_method
    }
  }

  # A new major version needs the new group before the old one can go.
  lifecycle {
    create_before_destroy = true
  }
}

# Made here and not by RDS, which would keep the log for ever and without a key.
resource "aws_cloudwatch_log_group" "this" {
  name              = "/aws/rds/cluster/${var.name}/postgresql"
  retention_in_days = var.log_days
  kms_key_id        = var.log_key_arn
}

resource "aws_iam_role" "monitoring" {
  name        = "${var.name}-monitoring"
  description = "Lets RDS write the operating system's metrics of ${var.name}"

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "monitoring.rds.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

resource "aws_iam_role_policy_attachment" "monitoring" {
  role       = aws_iam_role.monitoring.name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole"
}

resource "aws_rds_cluster" "this" {
  cluster_identifier = var.name
  engine             = "aurora-postgresql"
  engine_mode        = "provisioned"
  engine_version     = var.engine_version
  database_name      = var.database

  # RDS makes the master password, keeps it in a secret and changes it every 7 days. Applications have roles of their own.
  master_username               = "master_user"
  manage_master_user_password   = true
  master_user_secret_kms_key_id = var.key_arn

  iam_database_authentication_enabled = true

  db_subnet_group_name            = aws_db_subnet_group.this.name
  vpc_security_group_ids          = [aws_security_group.this.id]
  db_cluster_parameter_group_name = aws_rds_cluster_parameter_group.this.name

  storage_encrypted = true
  kms_key_id        = var.key_arn

  serverlessv2_scaling_configuration {
    min_capacity             = var.min_acu
    max_capacity             = var.max_acu
    seconds_until_auto_pause = var.min_acu == 0 ? coalesce(var.pause_seconds, 3600) : null
  }

  backup_retention_period      = var.backup_days
  preferred_backup_window      = "02:00-03:00"
  preferred_maintenance_window = "sun:03:30-sun:04:30"
  copy_tags_to_snapshot        = true

  deletion_protection       = var.protected
  delete_automated_backups  = !var.protected
  skip_final_snapshot       = !var.protected
  final_snapshot_identifier = var.protected ? "${var.name}-final" : null

  enabled_cloudwatch_logs_exports = ["postgresql"]
  apply_immediately               = var.apply_immediately

  depends_on = [aws_cloudwatch_log_group.this]
}

# The first is the writer. Readers of tiers 0 and 1 keep the writer's size, so that a failover does not shrink it.
resource "aws_rds_cluster_instance" "this" {
  count = 1 + var.readers

  identifier         = "${var.name}-${count.index + 1}"
  cluster_identifier = aws_rds_cluster.this.id
  engine             = aws_rds_cluster.this.engine
  engine_version     = aws_rds_cluster.this.engine_version
  instance_class     = "db.serverless"
  promotion_tier     = min(count.index, 1)

  auto_minor_version_upgrade = true
  copy_tags_to_snapshot      = true
  publicly_accessible        = false
  ca_cert_identifier         = "rds-ca-rsa2048-g1"

  performance_insights_enabled          = true
  performance_insights_kms_key_id       = var.key_arn
  performance_insights_retention_period = 7

  monitoring_interval = 60
  monitoring_role_arn = aws_iam_role.monitoring.arn

  apply_immediately = var.apply_immediately

  depends_on = [aws_iam_role_policy_attachment.monitoring]
}
