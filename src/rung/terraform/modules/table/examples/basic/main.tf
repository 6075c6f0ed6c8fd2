# Sessions by user, found by their token too, and gone when they end.
provider "aws" {
  region = "eu-central-1"
}

module "sessions" {
  source = "../.."

  name          = "shop-prod-sessions"
  key_arn       = "arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555"
  partition_key = "user_id"
  sort_key      = "started_at"
  number_keys   = ["started_at"]
  ttl_attribute = "ends_at"
  indexes       = { by_token = { partition_key = "token" } }
}
