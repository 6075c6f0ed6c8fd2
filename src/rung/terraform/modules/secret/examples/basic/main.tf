# The application's own database role, generated; and an API key that a person sets and is reminded of.
provider "aws" {
  region = "eu-central-1"
}

module "db_credentials" {
  source = "../.."

  name               = "shop-prod-db-credentials"
  key_arn            = "arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555"
  generated          = true
  generated_username = "shop_app"
}

module "stripe_key" {
  source = "../.."

  name        = "shop-prod-stripe-api-key"
  description = "Secret key of the account at Stripe"
  key_arn     = "arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555"
  rotation    = "person"
  rotate_days = 90
  topic_arn   = "arn:aws:sns:eu-central-1:123456789012:shop-prod-alarms-ticket"
}
