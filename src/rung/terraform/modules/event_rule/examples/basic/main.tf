# Placed orders go to the queue of fulfilment.
provider "aws" {
  region = "eu-central-1"
}

module "order_placed" {
  source = "../.."

  name       = "shop-prod-order-placed"
  bus_name   = "shop-prod-events"
  pattern    = jsonencode({ source = ["shop"], detail-type = ["order.placed"] })
  target_arn = "arn:aws:sqs:eu-central-1:123456789012:shop-prod-orders-fulfilment"
  key_arn    = "arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555"
}
