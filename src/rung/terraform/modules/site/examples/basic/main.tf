# The files of a single-page application.
provider "aws" {
  region = "eu-central-1"
}

module "web" {
  source = "../.."

  name             = "shop-prod-web"
  account_id       = "123456789012"
  distribution_arn = "arn:aws:cloudfront::123456789012:distribution/E1234567890ABC"
  logs_bucket      = "shop-prod-logs-123456789012"
}
