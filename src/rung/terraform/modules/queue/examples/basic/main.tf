# Orders in two lanes: what is slow to send out does not hold up what is paid.
provider "aws" {
  region = "eu-central-1"
}

module "orders" {
  source = "../.."

  name    = "shop-prod-orders"
  lanes   = ["payment", "fulfilment"]
  key_arn = "arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555"
}
