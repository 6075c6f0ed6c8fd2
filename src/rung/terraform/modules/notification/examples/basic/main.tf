# Two people, a telephone and a Slack channel; PagerDuty's address comes from the pipeline.
provider "aws" {
  region = "eu-central-1"
}

variable "pagerduty_url" {
  description = "PagerDuty's integration for Amazon CloudWatch: https://events.pagerduty.com/integration/<key>/enqueue."
  type        = string
  sensitive   = true
  default     = "https://events.pagerduty.com/integration/example/enqueue"
}

module "alarms" {
  source = "../.."

  name       = "shop-prod-alarms"
  account_id = "123456789012"
  key_arn    = "arn:aws:kms:eu-central-1:123456789012:key/66666666-7777-8888-9999-000000000000"
  emails     = ["oncall@example.com", "team@example.com"]
  phones     = ["+4915112345678"]
  slack      = { alarms = { team_id = "T0123ABCD", channel_id = "C0123ABCD" } }
  webhooks   = [var.pagerduty_url]
}
