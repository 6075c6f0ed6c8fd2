# The lane of orders to be sent out; a rule of the bus may send too.
provider "aws" {
  region = "eu-central-1"
}

module "orders_fulfilment" {
  source = "../.."

  name                       = "shop-prod-orders-fulfilment"
  key_arn                    = "arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555"
  visibility_timeout_seconds = 60

  senders = [{
    service    = "events.amazonaws.com"
    source_arn = "arn:aws:events:eu-central-1:123456789012:rule/shop-prod-events/shop-prod-order-placed"
  }]
}
