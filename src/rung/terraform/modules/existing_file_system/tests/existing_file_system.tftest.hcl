mock_provider "aws" {
  source          = "../testing"
  override_during = plan
}

variables {
  name              = "shop-prod-media"
  file_system_id    = "fs-0a1b2c3d4e5f60718"
  region            = "eu-central-1"
  account_id        = "123456789012"
  security_group_id = "sg-0a1b2c3d4e5f60718"
}

run "one_door_is_made_and_nothing_else" {
  command = plan

  assert {
    condition     = aws_efs_access_point.this[0].file_system_id == var.file_system_id && one(aws_efs_access_point.this[0].posix_user).uid == 1000
    error_message = "one user that is not root, on the file system of others"
  }

  assert {
    condition     = one(aws_efs_access_point.this[0].root_directory).path == "/data"
    error_message = "one folder, not the root"
  }

  assert {
    condition     = output.arn == "arn:aws:elasticfilesystem:eu-central-1:123456789012:file-system/fs-0a1b2c3d4e5f60718" && output.id == var.file_system_id
    error_message = "grants name the file system of others"
  }

  assert {
    condition     = output.party.security_group_id == var.security_group_id
    error_message = "rules are written in the group of its mount targets"
  }
}

run "a_door_that_is_there_is_used" {
  command = plan

  variables {
    access_point_id = "fsap-0a1b2c3d4e5f60718"
  }

  assert {
    condition     = length(aws_efs_access_point.this) == 0 && output.access_point_arn == "arn:aws:elasticfilesystem:eu-central-1:123456789012:access-point/fsap-0a1b2c3d4e5f60718"
    error_message = "nothing is made"
  }
}

run "wrong_values_are_refused" {
  command = plan

  variables {
    name              = "Media"
    file_system_id    = "media"
    security_group_id = "media"
    path              = "/"
    user_id           = 0
  }

  expect_failures = [var.name, var.file_system_id, var.security_group_id, var.path, var.user_id]
}
