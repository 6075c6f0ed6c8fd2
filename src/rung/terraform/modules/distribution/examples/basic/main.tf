# A site and an API under one name.
provider "aws" {
  region = "eu-central-1"
}

module "distribution" {
  source = "../.."

  name               = "shop-prod"
  domain             = "shop.example.com"
  certificate_arn    = "arn:aws:acm:us-east-1:123456789012:certificate/11111111-2222-3333-4444-555555555555"
  zone_id            = "Z0123456789ABCDEFGHIJ"
  firewall_arn       = "arn:aws:wafv2:us-east-1:123456789012:global/webacl/shop-prod/11111111-2222-3333-4444-555555555555"
  logs_bucket_domain = "shop-prod-logs-123456789012.s3.amazonaws.com"

  load_balancer = {
    arn      = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/shop-prod/0123456789abcdef"
    dns_name = "internal-shop-prod-1234567890.eu-central-1.elb.amazonaws.com"
  }
  sites = {
    web = { bucket_domain = "shop-prod-web-123456789012.s3.eu-central-1.amazonaws.com" }
  }
  forwards = [
    { path = "/*", target = "web" },
    { path = "/api/*", target = "api" },
  ]
}
