# A cluster whose services call one another.
provider "aws" {
  region = "eu-central-1"
}

module "cluster" {
  source = "../.."

  name        = "shop-prod"
  log_key_arn = "arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555"
  namespace   = "shop.internal"
  vpc_id      = "vpc-0a1b2c3d4e5f67890"
}
