# A folder of a file system that somebody else owns: one door to it, one user, never root.

locals {
  arn = "arn:aws:elasticfilesystem:${var.region}:${var.account_id}"

  access_point_id = coalesce(var.access_point_id, one(aws_efs_access_point.this[*].id))
}

resource "aws_efs_access_point" "this" {
  count = var.access_point_id == null ? 1 : 0

  file_system_id = var.file_system_id

  posix_user {
    uid = var.user_id
    gid = var.user_id
  }

  # A folder that is there keeps its owner and its rights.
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
