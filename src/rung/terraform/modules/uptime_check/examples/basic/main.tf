# Asks from outside whether people reach the shop. Route 53 reports to us-east-1 wherever the shop is.
provider "aws" {
  region = "eu-central-1"
}

provider "aws" {
  alias  = "us_east_1"
  region = "us-east-1"
}

module "uptime" {
  source    = "../.."
  providers = { aws = aws.us_east_1 }

  name        = "shop-prod-uptime"
  domain      = "shop.example.com"
  path        = "/health"
  account_id  = "123456789012"
  emails      = ["oncall@example.com"]
  runbook_url = "https://github.com/example/shop/blob/main/runbooks/uptime.md"
}
