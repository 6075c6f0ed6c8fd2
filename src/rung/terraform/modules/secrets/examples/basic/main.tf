# A login of the database, and a key that a person sets and replaces every three months.
provider "aws" {
  region = "eu-central-1"
}

module "secrets" {
  source = "../.."

  name      = "shop-prod"
  key_arn   = "arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555"
  topic_arn = "arn:aws:sns:eu-central-1:123456789012:shop-prod-alarms"

  secrets = {
    db-api      = { username = "shop_api" }
    session-key = { rotate_days = 90 }
  }
}
