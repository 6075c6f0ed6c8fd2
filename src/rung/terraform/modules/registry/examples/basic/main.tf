# Where a workload's image is kept.
provider "aws" {
  region = "eu-central-1"
}

module "registry" {
  source = "../.."

  name    = "shop-prod"
  key_arn = "arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555"
}
