# A queue is watched, somebody is told, and a month has a limit.
provider "aws" {
  region = "eu-central-1"
}

module "watch" {
  source = "../.."

  name         = "shop-prod"
  account_id   = "123456789012"
  region       = "eu-central-1"
  key_arn      = "arn:aws:kms:eu-central-1:123456789012:key/66666666-7777-8888-9999-000000000000"
  emails       = ["oncall@example.com"]
  runbooks_url = "https://github.com/example/shop/blob/main/runbooks"
  monthly_usd  = 2000
  cost_tags    = { Workload = "shop", Environment = "prod" }

  alarms = {
    orders = { of = { QueueName = "shop-prod-orders" }, limits = { messages-waiting = 60 } }
  }
}
