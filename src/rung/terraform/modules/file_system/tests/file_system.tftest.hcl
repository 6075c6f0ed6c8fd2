mock_provider "aws" {
  source          = "../testing"
  override_during = plan
}

variables {
  name       = "shop-prod-media"
  vpc_id     = "vpc-0a1b2c3d4e5f60718"
  subnet_ids = ["subnet-0a1b2c3d4e5f60718", "subnet-0a1b2c3d4e5f60719"]
  key_arn    = "arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555"
}

run "files_are_encrypted_and_reached_by_one_door" {
  command = plan

  assert {
    condition     = aws_efs_file_system.this.encrypted && aws_efs_file_system.this.kms_key_id == var.key_arn
    error_message = "files are under the given key"
  }

  assert {
    condition     = length(aws_efs_mount_target.this) == 2
    error_message = "one mount target in each zone"
  }

  assert {
    condition     = one(aws_efs_access_point.this.posix_user).uid == 1000 && one(aws_efs_access_point.this.root_directory).path == "/data"
    error_message = "one user that is not root, and one folder that is not the root"
  }

  assert {
    condition     = { for statement in jsondecode(aws_efs_file_system_policy.this.policy).Statement : statement.Sid => statement.Effect } == { ThroughTheAccessPoint = "Allow", TlsOnly = "Deny" }
    error_message = "clients come through the access point and by TLS"
  }

  assert {
    condition     = !strcontains(aws_efs_file_system_policy.this.policy, "ClientRootAccess")
    error_message = "nobody is root"
  }

  assert {
    condition     = aws_efs_backup_policy.this[0].backup_policy[0].status == "ENABLED"
    error_message = "files are backed up unless a plan does it"
  }
}

run "a_backup_plan_takes_over_and_nothing_is_archived" {
  command = plan

  variables {
    automatic_backups = false
    archive_days      = null
  }

  assert {
    condition     = length(aws_efs_backup_policy.this) == 0 && length(aws_efs_file_system.this.lifecycle_policy) == 0
    error_message = "no backups of its own and no second storage class"
  }
}

run "wrong_values_are_refused" {
  command = plan

  variables {
    name         = "Media"
    subnet_ids   = []
    path         = "/"
    user_id      = 0
    archive_days = 31
  }

  expect_failures = [var.name, var.subnet_ids, var.path, var.user_id, var.archive_days]
}
