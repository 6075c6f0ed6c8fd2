# The database every night, and every Sunday the proof that it comes back.
provider "aws" {
  region = "eu-central-1"
}

module "backup" {
  source = "../.."

  name          = "shop-prod-backup"
  resource_arns = ["arn:aws:rds:eu-central-1:123456789012:cluster:shop-prod-db"]
  key_arn       = "arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555"
  topic_arn     = "arn:aws:sns:eu-central-1:123456789012:shop-prod-alarms-page"

  restore_types = {
    Aurora = {
      dbSubnetGroupName   = "shop-prod-db"
      vpcSecurityGroupIds = "[\"sg-0a1b2c3d4e5f60718\"]"
    }
  }
}
