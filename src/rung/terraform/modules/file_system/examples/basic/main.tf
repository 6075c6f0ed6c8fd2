# Files that the tasks of both zones share.
provider "aws" {
  region = "eu-central-1"
}

module "media" {
  source = "../.."

  name       = "shop-prod-media"
  vpc_id     = "vpc-0a1b2c3d4e5f60718"
  subnet_ids = ["subnet-0a1b2c3d4e5f60718", "subnet-0a1b2c3d4e5f60719"]
  key_arn    = "arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555"
}
