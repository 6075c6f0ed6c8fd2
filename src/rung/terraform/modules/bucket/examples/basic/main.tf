# A bucket for access logs, and one for users' files that writes its log there.
provider "aws" {
  region = "eu-central-1"
}

module "logs" {
  source = "../.."

  name        = "shop-prod-logs"
  account_id  = "123456789012"
  purpose     = "logs"
  expire_days = 90
}

module "uploads" {
  source = "../.."

  name        = "shop-prod-uploads"
  account_id  = "123456789012"
  key_arn     = "arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555"
  logs_bucket = module.logs.name
}
