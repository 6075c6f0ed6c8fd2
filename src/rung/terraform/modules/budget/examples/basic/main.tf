# Two thousand dollars a month for what carries the workload's tag.
provider "aws" {
  region = "eu-central-1"
}

module "budget" {
  source = "../.."

  name        = "shop-prod-budget"
  monthly_usd = 2000
  topic_arn   = "arn:aws:sns:eu-central-1:123456789012:shop-prod-alarms-ticket"
  cost_tags   = { workload = "shop", environment = "prod" }
}
