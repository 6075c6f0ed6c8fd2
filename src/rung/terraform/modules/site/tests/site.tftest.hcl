mock_provider "aws" {
  source          = "../testing"
  override_during = plan
}

variables {
  name             = "shop-prod-web"
  account_id       = "123456789012"
  distribution_arn = "arn:aws:cloudfront::123456789012:distribution/E1"
  logs_bucket      = "shop-prod-logs"
}

run "one_distribution_reads" {
  command = plan

  assert {
    condition     = aws_s3_bucket.this.bucket == "shop-prod-web-123456789012" && !aws_s3_bucket.this.force_destroy
    error_message = "named after the account, and not deleted with its files"
  }

  assert {
    condition     = alltrue([aws_s3_bucket_public_access_block.this.block_public_acls, aws_s3_bucket_public_access_block.this.block_public_policy, aws_s3_bucket_public_access_block.this.ignore_public_acls, aws_s3_bucket_public_access_block.this.restrict_public_buckets])
    error_message = "nothing is public"
  }

  assert {
    condition     = alltrue([for s in jsondecode(aws_s3_bucket_policy.this.policy).Statement : s.Condition.StringEquals["aws:SourceArn"] == var.distribution_arn if s.Effect == "Allow"])
    error_message = "the one distribution, and nobody else"
  }

  assert {
    condition     = one([for s in jsondecode(aws_s3_bucket_policy.this.policy).Statement : s.Condition.Bool["aws:SecureTransport"] if s.Effect == "Deny"]) == "false"
    error_message = "TLS only"
  }

  assert {
    condition     = aws_s3_bucket_versioning.this.versioning_configuration[0].status == "Enabled" && aws_s3_bucket_lifecycle_configuration.this.rule[0].noncurrent_version_expiration[0].noncurrent_days == 30
    error_message = "an upload can be taken back for thirty days"
  }
}

run "wrong_values_are_refused" {
  command = plan

  variables {
    name          = "Shop_Web"
    account_id    = "mine"
    keep_old_days = 0
  }

  expect_failures = [var.name, var.account_id, var.keep_old_days]
}
