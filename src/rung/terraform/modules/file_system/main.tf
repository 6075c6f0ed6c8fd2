# The rules that let services in stand in the module connections: one per edge of the workload.
resource "aws_security_group" "this" {
  name        = "${var.name}-files"
  description = "File system ${var.name}"
  vpc_id      = var.vpc_id
}

resource "aws_efs_file_system" "this" {
  creation_token  = var.name
  encrypted       = true
  kms_key_id      = var.key_arn
  throughput_mode = "elastic"

  dynamic "lifecycle_policy" {
    for_each = var.archive_days[*]

    content {
      transition_to_ia = lifecycle_policy.value == 1 ? "AFTER_1_DAY" : "AFTER_${lifecycle_policy.value}_DAYS"
    }
  }

  # A file that is read again comes back: reading from the cheaper class costs by the byte.
  dynamic "lifecycle_policy" {
    for_each = var.archive_days[*]

    content {
      transition_to_primary_storage_class = "AFTER_1_ACCESS"
    }
  }

  # EFS has no name of its own; consoles show this tag.
  tags = { Name = var.name }
}

resource "aws_efs_mount_target" "this" {
  count = length(var.subnet_ids)

  file_system_id  = aws_efs_file_system.this.id
  subnet_id       = var.subnet_ids[count.index]
  security_groups = [aws_security_group.this.id]
}

# The only door: one folder, one user, never root.
resource "aws_efs_access_point" "this" {
  file_system_id = aws_efs_file_system.this.id

  posix_user {
    uid = var.user_id
    gid = var.user_id
  }

  root_directory {
    path = var.path

    creation_info {
      owner_uid   = var.user_id
      owner_gid   = var.user_id
      permissions = "0750"
    }
  }

  tags = { Name = var.name }
}

resource "aws_efs_file_system_policy" "this" {
  file_system_id = aws_efs_file_system.this.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "ThroughTheAccessPoint"
        Effect    = "Allow"
        Principal = { AWS = "*" }
        Action    = ["elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"]
        Resource  = aws_efs_file_system.this.arn
        Condition = {
          Bool         = { "elasticfilesystem:AccessedViaMountTarget" = "true" }
          StringEquals = { "elasticfilesystem:AccessPointArn" = aws_efs_access_point.this.arn }
        }
      },
      {
        Sid       = "TlsOnly"
        Effect    = "Deny"
        Principal = { AWS = "*" }
        Action    = "*"
        Resource  = aws_efs_file_system.this.arn
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
    ]
  })
}

resource "aws_efs_backup_policy" "this" {
  count = var.automatic_backups ? 1 : 0

  file_system_id = aws_efs_file_system.this.id

  backup_policy {
    status = "ENABLED"
  }
}
