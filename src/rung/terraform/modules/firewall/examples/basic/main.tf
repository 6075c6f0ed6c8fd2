# In front of the load balancers of a region.
provider "aws" {
  region = "eu-central-1"
}

module "firewall" {
  source = "../.."

  name        = "shop-prod"
  scope       = "REGIONAL"
  log_key_arn = "arn:aws:kms:eu-central-1:123456789012:key/11111111-2222-3333-4444-555555555555"
  log_days    = 365
  guarded     = { load_balancer = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/shop-prod/0123456789abcdef" }
}
