# An instance with a standby in another zone.
provider "aws" {
  region = "eu-central-1"
}

module "db" {
  source = "../.."

  name           = "shop-staging-db"
  vpc_id         = "vpc-0a1b2c3d4e5f60718"
  subnet_ids     = ["subnet-0a1b2c3d4e5f60718", "subnet-0a1b2c3d4e5f60719"]
  key_arn        = "arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555"
  log_key_arn    = "arn:aws:kms:eu-central-1:123456789012:key/66666666-7777-8888-9999-000000000000"
  instance_class = "db.t4g.small"
  multi_zone     = true
}
