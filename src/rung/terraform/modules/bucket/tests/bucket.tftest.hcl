mock_provider "aws" {
  source          = "../testing"
  override_during = plan
}

variables {
  name       = "shop-prod-uploads"
  account_id = "123456789012"
  key_arn    = "arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555"
}

run "objects_are_private_encrypted_and_kept" {
  command = plan

  assert {
    condition     = aws_s3_bucket.this.bucket == "shop-prod-uploads-123456789012" && output.name == aws_s3_bucket.this.bucket
    error_message = "bucket names are shared by all accounts, so the account is part of it"
  }

  assert {
    condition = (
      aws_s3_bucket_public_access_block.this.block_public_acls && aws_s3_bucket_public_access_block.this.block_public_policy &&
      aws_s3_bucket_public_access_block.this.ignore_public_acls && aws_s3_bucket_public_access_block.this.restrict_public_buckets
    )
    error_message = "nothing in it is public, whatever a policy says"
  }

  assert {
    condition     = one(aws_s3_bucket_ownership_controls.this.rule).object_ownership == "BucketOwnerEnforced"
    error_message = "access control lists have no effect"
  }

  assert {
    condition     = one(one(aws_s3_bucket_server_side_encryption_configuration.this.rule).apply_server_side_encryption_by_default).sse_algorithm == "aws:kms"
    error_message = "objects are under the given key"
  }

  assert {
    condition     = one(aws_s3_bucket_versioning.this.versioning_configuration).status == "Enabled" && !aws_s3_bucket.this.force_destroy
    error_message = "what is overwritten can be brought back, and a full bucket is not deleted"
  }

  assert {
    condition     = [for statement in jsondecode(aws_s3_bucket_policy.this.policy).Statement : "${statement.Effect} ${statement.Sid}"] == ["Deny TlsOnly"]
    error_message = "the policy lets nobody in and refuses plain HTTP"
  }

  assert {
    condition     = length(aws_s3_bucket_logging.this) == 0 && length(aws_s3_bucket_object_lock_configuration.this) == 0
    error_message = "no access log and no lock unless asked for"
  }
}

run "logs_are_delivered_for_this_account_alone" {
  command = plan

  variables {
    purpose            = "logs"
    allow_acl_delivery = true
    archive_days       = 30
    expire_days        = 90
  }

  assert {
    condition     = one(one(aws_s3_bucket_server_side_encryption_configuration.this.rule).apply_server_side_encryption_by_default).sse_algorithm == "AES256"
    error_message = "load balancers cannot write under a key"
  }

  assert {
    condition = alltrue([
      for statement in jsondecode(aws_s3_bucket_policy.this.policy).Statement :
      statement.Condition.StringEquals["aws:SourceAccount"] == "123456789012" if statement.Effect == "Allow"
    ])
    error_message = "another account's load balancer could fill the bucket"
  }

  assert {
    condition     = one(aws_s3_bucket_ownership_controls.this.rule).object_ownership == "BucketOwnerPreferred"
    error_message = "CloudFront's older logging writes through access control lists"
  }

  assert {
    condition     = toset(aws_s3_bucket_lifecycle_configuration.this.rule[*].id) == toset(["unfinished-uploads", "old-versions", "archive", "expiry"])
    error_message = "logs move to the archive and expire"
  }
}

run "backups_are_locked" {
  command = plan

  variables {
    purpose     = "backups"
    locked_days = 30
    logs_bucket = "shop-prod-logs-123456789012"
    events      = true
  }

  assert {
    condition     = aws_s3_bucket.this.object_lock_enabled && one(one(aws_s3_bucket_object_lock_configuration.this[0].rule).default_retention).mode == "COMPLIANCE"
    error_message = "nobody deletes a backup before its time"
  }

  assert {
    condition     = aws_s3_bucket_logging.this[0].target_prefix == "s3/shop-prod-uploads/" && aws_s3_bucket_notification.this[0].eventbridge
    error_message = "the access log has a place of its own, and EventBridge is told"
  }
}

run "wrong_values_are_refused" {
  command = plan

  variables {
    name            = "Uploads!"
    account_id      = "1234"
    purpose         = "stuff"
    noncurrent_days = 0
    archive_days    = 0
    locked_days     = 0
  }

  expect_failures = [
    var.name, var.account_id, var.purpose, var.noncurrent_days, var.archive_days, var.locked_days,
  ]
}

run "contradictions_are_refused" {
  command = plan

  variables {
    versioned    = false
    locked_days  = 7
    archive_days = 90
    expire_days  = 30

    allow_acl_delivery = true
  }

  expect_failures = [var.locked_days, var.expire_days, var.allow_acl_delivery]
}
