# Public, with TLS, and two services behind it.
provider "aws" {
  region = "eu-central-1"
}

module "load_balancer" {
  source = "../.."

  name             = "shop-prod"
  vpc_id           = "vpc-0a1b2c3d4e5f67890"
  subnet_ids       = ["subnet-0a1b2c3d4e5f67891", "subnet-0a1b2c3d4e5f67892"]
  logs_bucket      = "shop-prod-logs-123456789012"
  certificate_arns = ["arn:aws:acm:eu-central-1:123456789012:certificate/11111111-2222-3333-4444-555555555555"]

  targets = {
    api   = { port = 8000 }
    admin = { port = 9000, sticky = true }
  }
  forwards = [
    { path = "/api/*", target = "api" },
    { path = "/admin/*", target = "admin" },
  ]
}
