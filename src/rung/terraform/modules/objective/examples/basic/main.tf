# 99.95 % of a month's requests answered without an error of ours.
provider "aws" {
  region = "eu-central-1"
}

module "availability" {
  source = "../.."

  name                 = "shop-prod-availability"
  availability         = 0.9995
  load_balancer_suffix = "app/shop-prod/0123456789abcdef"
  topic_arn            = "arn:aws:sns:eu-central-1:123456789012:shop-prod-alarms-page"
  ticket_topic_arn     = "arn:aws:sns:eu-central-1:123456789012:shop-prod-alarms-ticket"
  runbook_url          = "https://github.com/example/shop/blob/main/runbooks/objective-burn.md"
}
