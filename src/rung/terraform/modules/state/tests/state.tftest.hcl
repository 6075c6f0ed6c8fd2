mock_provider "aws" {
  source          = "../testing"
  override_during = plan
}

variables {
  name       = "shop-states"
  account_id = "123456789012"
}

run "states_are_private_encrypted_and_kept" {
  command = plan

  assert {
    condition     = aws_s3_bucket.this.bucket == "shop-states-123456789012" && one(aws_s3_bucket_versioning.this.versioning_configuration).status == "Enabled"
    error_message = "every state that was is still there"
  }

  assert {
    condition = (
      aws_s3_bucket_public_access_block.this.block_public_acls && aws_s3_bucket_public_access_block.this.block_public_policy &&
      aws_s3_bucket_public_access_block.this.ignore_public_acls && aws_s3_bucket_public_access_block.this.restrict_public_buckets
    )
    error_message = "nothing in it is public, whatever a policy says"
  }

  assert {
    condition     = one(one(aws_s3_bucket_server_side_encryption_configuration.this.rule).apply_server_side_encryption_by_default).kms_master_key_id == output.key_arn && aws_kms_key.this.enable_key_rotation
    error_message = "states have a key of their own, which rotates"
  }

  assert {
    condition     = toset([for statement in jsondecode(aws_s3_bucket_policy.this.policy).Statement : "${statement.Effect} ${statement.Sid}"]) == toset(["Deny TlsOnly", "Deny OwnAccountOnly", "Deny EarlierStatesStay"])
    error_message = "plain HTTP, other accounts and the deletion of earlier states are refused"
  }

  assert {
    condition     = one(one(aws_s3_bucket_lifecycle_configuration.this.rule).noncurrent_version_expiration).noncurrent_days == 90 && one(one(aws_s3_bucket_lifecycle_configuration.this.rule).expiration).expired_object_delete_marker
    error_message = "what locks leave behind goes"
  }

  assert {
    condition     = length(aws_s3_bucket_logging.this) == 0
    error_message = "no access log unless there is a bucket for it"
  }
}

run "wrong_values_are_refused" {
  command = plan

  variables {
    name            = "Shop States"
    account_id      = "1234"
    noncurrent_days = 1
    logs_bucket     = "shop-logs-123456789012"
  }

  expect_failures = [var.name, var.account_id, var.noncurrent_days]
}
