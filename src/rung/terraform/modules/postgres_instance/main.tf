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

  logs = ["postgresql", "upgrade"]
}

# The rules that let services in stand in the module connections: one per edge of the workload.
resource "aws_security_group" "this" {
  name        = "${var.name}-database"
  description = "PostgreSQL instance ${var.name}"
  vpc_id      = var.vpc_id
}

resource "aws_db_subnet_group" "this" {
  name        = var.name
  description = "Isolated subnets of ${var.name}"
  subnet_ids  = var.subnet_ids
}

resource "aws_db_parameter_group" "this" {
  name        = "${var.name}-${var.engine_version}"
  description = "TLS only; data definition, slow statements and long waits for locks are logged"
  family      = "postgres${var.engine_version}"

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

# Made here and not by RDS, which would keep the logs for ever and without a key.
resource "aws_cloudwatch_log_group" "this" {
  for_each = toset(local.logs)

  name              = "/aws/rds/instance/${var.name}/${each.key}"
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

resource "aws_db_instance" "this" {
  identifier     = var.name
  engine         = "postgres"
  engine_version = var.engine_version
  instance_class = var.instance_class
  db_name        = var.database
  multi_az       = var.multi_zone

  # RDS makes the master password, keeps it in a secret and changes it every 7 days. Applications have roles of their own.
  username                      = "master_user"
  manage_master_user_password   = true
  master_user_secret_kms_key_id = var.key_arn

  iam_database_authentication_enabled = true

  db_subnet_group_name   = aws_db_subnet_group.this.name
  vpc_security_group_ids = [aws_security_group.this.id]
  parameter_group_name   = aws_db_parameter_group.this.name
  publicly_accessible    = false
  ca_cert_identifier     = "rds-ca-rsa2048-g1"

  storage_type          = "gp3"
  allocated_storage     = var.storage_gib
  max_allocated_storage = var.max_storage_gib == var.storage_gib ? null : var.max_storage_gib
  storage_encrypted     = true
  kms_key_id            = var.key_arn

  backup_retention_period    = var.backup_days
  backup_window              = "02:00-03:00"
  maintenance_window         = "sun:03:30-sun:04:30"
  auto_minor_version_upgrade = true
  copy_tags_to_snapshot      = true

  deletion_protection       = var.protected
  delete_automated_backups  = !var.protected
  skip_final_snapshot       = !var.protected
  final_snapshot_identifier = var.protected ? "${var.name}-final" : null

  performance_insights_enabled          = true
  performance_insights_kms_key_id       = var.key_arn
  performance_insights_retention_period = 7

  monitoring_interval = 60
  monitoring_role_arn = aws_iam_role.monitoring.arn

  enabled_cloudwatch_logs_exports = local.logs
  apply_immediately               = var.apply_immediately

  depends_on = [aws_cloudwatch_log_group.this, aws_iam_role_policy_attachment.monitoring]
}
